/**
 * Shortcuts of a widget and the overlay that lists them. They act while the focus is in the widget and not in a field
 * that takes text.
 *
 * @typedef {{keys: string[], words: string, act: (event: KeyboardEvent) => void}} Shortcut
 */
class Keys {
  /**
   * @param {HTMLElement} root
   * @param {Shortcut[]} shortcuts
   * @param {AbortSignal} signal
   */
  constructor(root, shortcuts, signal) {
    this.root = root;
    this.shortcuts = [
      ...shortcuts,
      { keys: ["?"], words: "Show or hide this list", act: () => this.help() },
    ];
    root.addEventListener("keydown", (event) => this.pressed(event), { signal });
  }

  pressed(event) {
    if (event.target.closest("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (event.target.closest("button, [role=button]") && (event.key === " " || event.key === "Enter")) return;
    const name = Keys.name(event);
    const found = this.shortcuts.find(({ keys }) => keys.includes(name));
    if (!found) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter has meanings of its own for most keys
    found.act(event);
  }

  static name(event) {
    const parts = [];
    if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
    if (event.altKey) parts.push("Alt");
    if (event.shiftKey && event.key.length > 1) parts.push("Shift");
    parts.push(event.key === " " ? "Space" : event.key);
    return parts.join("+");
  }

  help() {
    if (this.dialog?.open) return this.dialog.close();
    if (!this.dialog) {
      this.dialog = document.createElement("dialog");
      this.dialog.setAttribute("aria-label", "Keyboard shortcuts");
      const table = document.createElement("table");
      for (const { keys, words } of this.shortcuts) {
        const row = table.insertRow();
        const cell = row.insertCell();
        keys.forEach((key, index) => {
          if (index) cell.append(" ");
          const kbd = document.createElement("kbd");
          kbd.textContent = key;
          cell.append(kbd);
        });
        row.insertCell().textContent = words;
      }
      const close = document.createElement("button");
      close.textContent = "Close";
      close.addEventListener("click", () => this.dialog.close());
      this.dialog.append(table, close);
      this.root.append(this.dialog);
    }
    return this.dialog.showModal();
  }
}

/** A button with a name that is read and seen. */
function button(text, label, act, signal, { pressed } = {}) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = text;
  element.title = label;
  element.setAttribute("aria-label", label);
  if (pressed !== undefined) element.setAttribute("aria-pressed", String(pressed));
  element.addEventListener("click", act, { signal });
  return element;
}

/** An element with a class and children. */
function box(name, ...children) {
  const element = document.createElement("div");
  element.className = name;
  element.append(...children);
  return element;
}
