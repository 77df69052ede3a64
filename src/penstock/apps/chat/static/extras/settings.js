// What a person may set: colours, the key that sends, motion, size of the text.
//
//   settings are kept by the server (PATCH /me) and take effect at once; what is not known is left
//   applySettings(settings)   attributes on <html> that extras.css and the system follow

export const DEFAULTS = { theme: "auto", sends_with: "enter", motion: "auto", text_size: "normal" };

export const CHOICES = {
  theme: [["auto", "As the system"], ["light", "Light"], ["dark", "Dark"]],
  text_size: [["normal", "Normal"], ["large", "Large"], ["larger", "Larger"]],
  motion: [["auto", "As the system"], ["reduced", "Still"]],
};

/** What is set, with what is not; a value that we do not know counts as not set. */
export function settingsOf(kept = {}) {
  const known = { ...CHOICES, sends_with: [["enter"], ["mod+enter"]] };
  return Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, known[name].some(([one]) => one === kept[name]) ? kept[name] : value]));
}

/** Let a page look as it is set. */
export function applySettings(kept, root = document.documentElement) {
  const { theme, motion, text_size: textSize } = settingsOf(kept);
  root.dataset.theme = theme;
  root.dataset.motion = motion;
  root.dataset.textSize = textSize;
  for (const one of ["light", "dark"]) document.body?.classList.toggle(`theme-${one}`, theme === one); // as the server says it
}
