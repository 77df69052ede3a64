// The keys of the page, as the help and the palette show them. Who acts on them: ``../keys.js``.

/** id, keys, what it does; {send} stands for the key that a person has chosen. */
export const SHORTCUTS = [
  { group: "Write", keys: [["send", "{send}", "Send"], ["line", "shift+enter", "New line"], ["edit-last", "up", "Edit your last message, from an empty field"], ["stop", "esc", "Stop the answer"]] },
  { group: "Go", keys: [["palette", "mod+k", "Search conversations and commands"], ["new", "mod+shift+o", "New conversation"], ["focus", "shift+esc", "To the field to write in"], ["list", "mod+shift+s", "Show or hide the list"]] },
  { group: "Do", keys: [["copy", "mod+shift+c", "Copy the last answer"], ["help", "mod+/", "These keys"]] },
];
