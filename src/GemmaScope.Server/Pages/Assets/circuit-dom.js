// What the parts of the page of a graph share of the document: elements, shapes, numbers, files.

const SVG = 'http://www.w3.org/2000/svg'

export const at = id => document.getElementById(id)

/** An element with attributes, listeners (onclick: …) and children. */
export function element (name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value)
    else if (value !== undefined && value !== false) made.setAttribute(key, value)
  }
  made.append(...children.filter(one => one !== undefined))
  return made
}

/** A part of a drawing; with a text, also one that is told when it is pointed at. */
export function shape (name, attributes = {}, { text, title } = {}) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  if (text !== undefined) made.textContent = text
  if (title !== undefined) made.append(shape('title', {}, { text: title }))
  return made
}

/** A bar that is as long as a share of the longest; of less than nothing in the other colour. */
export function bar (value, longest) {
  const made = shape('svg', { class: `share ${value < 0 ? 'less' : ''}`, viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' })
  made.append(shape('rect', { width: 100 * Math.min(1, Math.abs(value) / longest || 0), height: 10 }))
  return made
}

export const digits = (value, places = 3) => Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(places)
export const shortened = (text, letters) => text.length > letters ? text.slice(0, Math.max(1, letters - 1)) + '…' : text
export const visible = text => text.replace(/\n/g, '⏎').replace(/^ +$/, '␣')

/** Saves what was made here as a file. */
export function save (name, content, type) {
  const link = element('a', { href: URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type })), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}
