// The dialogs that are fetched late, as one.
export { Palette } from "./palette.js";
export { ReportDialog } from "./report.js";
export { SettingsDialog, SystemPromptDialog } from "./settings_parts.js";
export { ShortcutsDialog } from "./shortcuts.js";
