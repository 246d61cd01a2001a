"""Who speaks when: segmentation, voice embeddings, clustering, turns."""
