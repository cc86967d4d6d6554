// What the scripts of pages that show a model's texts share.

/** A text whose hidden characters are shown, as the pages show them. */
export function visible (text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\uddef]/g,
    hidden => `‹U+${hidden.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}›`)
}
