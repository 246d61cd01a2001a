"""Every number that decides between "fine" and "worth saying"; docs/diagnosis.md explains them one by one."""

from __future__ import annotations

SPEECH_RATIO_LOW = 0.05
"""Share of speech below which the recording is mostly something else (notice)."""
SPEAKER_CONFIDENCE_LOW = 0.5
"""Confidence in the number of speakers below which the count should be checked (notice)."""
OVERLAP_RATIO_HIGH = 0.4
"""Share of speech with two or more speakers beyond which separation is hard (notice)."""

LOUDNESS_LOW_LUFS = -45.0
LOUDNESS_HIGH_LUFS = -9.0
"""Integrated loudness outside these is worth a notice; normal speech lies at -30 to -16 LUFS."""
PEAK_OVER_DBFS = 0.05
"""A float recording may exceed full scale; fixed-point formats cannot hold it (warning)."""

CLIPPED_MIN_SAMPLES = 8
"""Fewer samples at the extreme value than this are chance."""
CLIPPED_PILE = 8.0
"""Samples at the extreme value, times the expected number from the levels just below, that prove clipping."""
CLIPPED_SHARE_NOTICE = 1e-5
CLIPPED_SHARE_WARNING = 1e-3
"""Share of clipped samples: single peaks (notice), audible (warning)."""

DC_DBFS = -46.0
"""Offset (0.5 % of full scale) beyond which meters and gates are misled (notice)."""

BANDWIDTH_DROP_DB = 14.0
"""A level drop as large as this within an eighth of an octave is the edge of the band."""
BANDWIDTH_RATIO_LOW = 0.65
"""Content that ends below this share of half the sample rate: resampled or coded lower (notice)."""
BANDWIDTH_SPEECH_HZ = 4100.0
"""Content that ends below lacks the consonants: telephone (warning if the sample rate promises more)."""
BANDWIDTH_BASS_HZ = 220.0
"""Content that begins above lacks the pitch of nearly all voices (notice)."""

CODEC_HOLE_DB = 15.0
CODEC_HOLES = 0.2
"""A gap of a spectrum above 4 kHz, this far below both sides, is a hole; share of loud frames with one (notice)."""
CODEC_WALL_DB = 22.0
CODEC_WALL = 0.5
"""A spectrum that falls so far within a tenth of a kilohertz ends like a wall; share of frames with it."""

SNR_NOTICE_DB = 20.0
SNR_WARNING_DB = 10.0
"""Speech-to-noise ratio below which noise is heard on the tracks (notice) or misleads separation (warning)."""
SNR_MAX_DB = 99.0
"""Cap: beyond this there is no noise to speak of."""
NOISE_PAUSE_S = 0.5
"""Pauses shorter than this in total say nothing; the quietest frames within speech are used instead."""
NOISE_MARGIN_S = 0.1
"""Kept clear of turns when looking at pauses."""
NOISE_RANGE_DB = 6.0
"""Pause frames this far above the quiet ones (20th percentile) are missed speech, not noise."""

DROPOUT_MIN_S = 0.008
DROPOUT_MAX_S = 2.0
"""Length of a constant stretch that can be a dropout; longer ones are pauses of the recorder."""
DROPOUT_EDGE_DB = 30.0
"""Sound within this of the recording's loud parts right before and after: it was cut, not faded."""
DROPOUT_WARNING_S = 0.1
"""Seconds lost in total from which a dropout is a warning rather than a notice."""

HUM_COHERENCE = 0.5
HUM_SIGNIFICANCE = 3.5
"""Share of a tone's power whose phase runs on; that share times the square root of the windows it was heard in."""
HUM_DRIFT_HZ = 0.6
"""A steady tone further from a multiple of the mains frequency is something else."""
HUM_NOTICE_DBFS = -75.0
HUM_WARNING_DBFS = -45.0
"""Level of hum that can be heard in pauses (notice), or disturbs speech (warning)."""

IMBALANCE_NOTICE_DB = 10.0
"""Difference in level between loudest and softest speaker; weaker tracks then hold more leakage."""
IMBALANCE_SOLO_S = 1.0
"""Seconds a speaker must be heard alone for a level."""

MUSIC_TONALITY = 2.6
"""Sharpness of held tones (0 to 5, median over 8 s) beyond which it is music; 1 % of speech is beyond it."""
MUSIC_WARNING_RATIO = 0.2
"""Share of the recording with music from which it is a warning rather than a notice."""

NONSPEECH_ABOVE_NOISE_DB = 20.0
NONSPEECH_BELOW_SPEECH_DB = 12.0
"""A sound while nobody speaks counts if it is this far above the noise floor, and no further below the speech."""
NONSPEECH_RATIO_HIGH = 0.1
"""Share of the recording with such sounds worth a notice."""

WIND_MIN_DBFS = -55.0
WIND_BELOW_SPEECH_DB = 10.0
WIND_ABOVE_FLOOR_DB = 10.0
"""Bursts below 55 Hz are wind or handling if above all of: this level, speech less this, their floor plus this."""
WIND_NOTICE_S = 2.0
WIND_WARNING_RATIO = 0.2
"""Seconds of gusts worth a notice, and their share of the recording from which they are a warning."""
HANDLING_ABOVE_WIND_DB = 8.0
"""A thump is louder than the least gust by this; the breath of close talking is not."""
HANDLING_MIN_BUMPS = 3
"""Thumps worth a notice."""

DNSMOS_LOW = 2.0
"""Rating of 5 below which listeners would complain (notice)."""

QUALITY_GOOD_DB = 5.0
"""SI-SDR improvement from which a separated overlap is usable."""
QUALITY_SURE = 0.25
"""Probability of that below which the overlaps should be checked by ear (notice)."""

REVERBERATION_DECAYS = 100
"""Free decays (112 ms long, counted in every band) without which the room cannot be heard."""
REVERBERATION_NOTICE_S = 0.8
"""Reverberation time beyond which words run into each other (notice)."""
CLARITY_NOTICE_DB = 5.0
CLARITY_WARNING_DB = 0.0
"""C50 below which the voices are far away (notice), or mostly come from the walls (warning)."""
