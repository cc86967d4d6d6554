// Where the heads of a layer look, and why: a score is the sum of pairs of what made the query and what made the key.

import { at, bar, digits, element, shortened } from './circuit-dom.js'
import { ask, whyNot } from './circuit-prompt.js'
import { changed, choose, chosen, listen, nameOf, state, tokenAt } from './circuit-state.js'

const PAIRS = 12
const [LEAST, LARGEST] = [3, 22]
const root = at('attention')

/** The panel, closed until somebody wants it: the model is asked then. */
function render () {
  root.hidden = whyNot() !== ''
  if (root.hidden) { root.replaceChildren(); return }
  const content = element('div', { id: 'head' })
  const panel = element('details', { open: state.view.attention ? '' : undefined, ontoggle: () => toggle(panel.open) },
    element('summary', {}, element('h2', {}, 'Attention ', element('small', {}, 'why a head looks where it looks'))), content)
  root.replaceChildren(panel)
  if (state.view.attention) read()
}
function toggle (isOpen) {
  if (isOpen === (state.view.attention !== null)) return
  const node = chosen()
  const last = state.graph.file.metadata.prompt_tokens.length - 1
  set(isOpen ? { layer: Math.max(0, Math.min(node?.row ?? Infinity, layers() - 1)), head: 0, query: node?.ctx_idx ?? last, key: null } : null)
}
const layers = () => +at('circuit').dataset.layers

function set (attention) {
  state.view.attention = attention
  changed('attention')
  if (attention) read()
}

let reading
async function read () {
  reading?.abort()
  const mine = reading = new AbortController()
  const place = at('head')
  place.setAttribute('aria-busy', 'true')
  try {
    const { layer, head, query, key } = state.view.attention
    const answer = await ask(at('circuit').dataset.attention, { layer, head, query, ...(key === null ? {} : { key }), top: PAIRS }, mine.signal)
    const found = await answer.json()
    if (!answer.ok) throw new Error(found.detail)
    draw(place, found)
  } catch (problem) {
    if (mine.signal.aborted) return
    place.replaceChildren(element('p', { class: 'problem', role: 'alert' }, problem.message))
  }
  place.removeAttribute('aria-busy')
}

const word = position => `${position} “${tokenAt(position)}”`
function draw (place, found) {
  const now = state.view.attention
  const focused = document.activeElement?.getAttribute('aria-label')
  const select = (name, label, options) => element('label', {}, `${label} `, element('select', { 'aria-label': label, onchange: ({ target }) => change({ [name]: target.value === '' ? null : +target.value }) },
    ...options.map(([value, text]) => element('option', { value, selected: value === (now[name] ?? '') }, text))))
  const numbers = count => Array.from({ length: count }, (_, i) => [i, `${i}`])
  const words = count => Array.from({ length: count }, (_, i) => [i, word(i)])
  place.replaceChildren(
    element('p', { class: 'choices' }, select('layer', 'layer', numbers(found.layers)), select('head', 'head', numbers(found.heads.length)),
      select('query', 'from', words(found.tokens.length)), select('key', 'to', [['', 'choose a position'], ...words(found.query + 1)])),
    element('div', { class: 'circuit-sides even' }, element('div', {}, heads(found), ...(found.pattern ? [map(found)] : [])), element('div', {}, ...why(found))))
  if (focused) place.querySelector(`select[aria-label="${focused}"]`)?.focus()
}
/** A query sees no later position. */
function change (part) {
  const next = { ...state.view.attention, ...part }
  if (next.key !== null && next.key > next.query) next.key = null
  set(next)
}

/** Each head of the layer, and where it looks most from here. */
function heads ({ heads, query, head }) {
  return element('table', { class: 'flow heads' }, element('caption', {}, `where the heads look most from ${word(query)}`),
    element('tbody', {}, ...heads.map((weights, i) => {
      const key = weights.indexOf(Math.max(...weights))
      return element('tr', { class: i === head ? 'turned' : undefined },
        element('td', {}, element('button', { type: 'button', class: 'quiet', 'aria-pressed': `${i === head}`, onclick: () => change({ head: i, key }) }, `head\u00a0${i}`)),
        element('td', { class: 'wide' }, word(key)), element('td', { class: 'n' }, weights[key].toFixed(2)), element('td', {}, bar(weights[key], 1)))
    })))
}

/** The whole pattern of the head: a click chooses a cell. The lists above do the same by keys. */
function map ({ pattern, layer, head, query }) {
  const size = Math.max(LEAST, Math.min(LARGEST, Math.floor(420 / pattern.length)))
  const scale = devicePixelRatio || 1
  const side = pattern.length * size
  const canvas = element('canvas', { width: side * scale, height: side * scale, class: 'pattern', role: 'img', 'aria-label': `pattern of head ${head} of layer ${layer}: rows look, columns are looked at` })
  canvas.style.width = canvas.style.height = `${side}px`
  const pen = canvas.getContext('2d')
  const style = getComputedStyle(root)
  pen.scale(scale, scale)
  pen.fillStyle = style.getPropertyValue('--one')
  pattern.forEach((row, y) => row.forEach((weight, x) => { pen.globalAlpha = 0.04 + 0.96 * weight; pen.fillRect(x * size, y * size, size - (size > 6), size - (size > 6)) }))
  pen.globalAlpha = 1
  pen.strokeStyle = style.getPropertyValue('--link')
  pen.lineWidth = 2
  const { key } = state.view.attention
  pen.strokeRect(key === null ? 0 : key * size, query * size, key === null ? (query + 1) * size : size, size)
  const cell = event => { const box = canvas.getBoundingClientRect(); return { query: Math.floor((event.clientY - box.top) / size), key: Math.floor((event.clientX - box.left) / size) } }
  const told = element('p', { class: 'note one-line' }, `head ${head}: rows look, columns are looked at`)
  canvas.addEventListener('pointermove', event => { const at = cell(event); const weight = pattern[at.query]?.[at.key]; if (weight !== undefined) told.textContent = `${word(at.query)} → ${word(at.key)}: ${weight.toFixed(3)}` })
  canvas.addEventListener('click', event => { const at = cell(event); if (pattern[at.query]?.[at.key] !== undefined) change(at) })
  return element('div', { class: 'scroll' }, canvas, told)
}

/** The strongest pairs of a score. */
function why ({ score, query }) {
  if (!score) return [element('p', { class: 'note' }, 'Choose a position that is looked at, in the lists or in the picture: its score is taken apart then.')]
  const most = Math.max(...score.pairs.map(pair => Math.abs(pair.value)), 1e-9)
  const figures = [`score ${digits(score.score)}${score.capped_score !== score.score ? `, capped to ${digits(score.capped_score)}` : ''}`, `the sum of ${score.pair_count.toLocaleString('en')} pairs (missed by ${score.error.toExponential(0)})`, `${(100 * score.weight).toFixed(1)} % of the attention`]
  return [
    element('table', { class: 'flow pairs' }, element('caption', {}, `${word(query)} → ${word(score.key)}: the strongest pairs`),
      element('thead', {}, element('tr', {}, element('th', {}, 'what looks'), element('th', {}, 'what is looked at'), element('th', { class: 'n' }, 'adds'), element('th', {}))),
      element('tbody', {}, ...score.pairs.map(pair => element('tr', {}, element('td', { class: 'wide' }, source(pair.query)), element('td', { class: 'wide' }, source(pair.key)),
        element('td', { class: 'n' }, digits(pair.value, 2)), element('td', {}, bar(pair.value, most)))))),
    element('p', { class: 'note' }, figures.join(' · '))
  ]
}
function source ({ kind, layer, position, index, label, card }) {
  if (kind === 'bias') return 'biases'
  if (kind === 'constant') return 'what every text begins with'
  const node = kind === 'feature' ? state.graph.byId.get(`${layer}_${index}_${position}`) : null
  const name = kind === 'token' ? `“${tokenAt(position)}”` : kind === 'error' ? `unexplained by layer ${layer}` : node ? nameOf(node) : label ?? `#${index} of layer ${layer}`
  const shown = node ? element('button', { type: 'button', class: 'quiet', onclick: () => { if (chosen() !== node) choose(node) }, 'data-card': card, 'data-in-place': '' }, shortened(name, 40)) : element('span', card ? { 'data-card': card, tabindex: 0 } : {}, shortened(name, 40))
  const made = element('span', { title: name }, shown, ' ', element('small', {}, `${layer >= 0 ? `L${layer} ` : ''}at ${position}`))
  return made
}

listen(['graph'], render)
// Somebody wants to see where a head looks.
listen(['look'], () => { render(); root.scrollIntoView({ block: 'nearest' }) })
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { if (state.graph && state.view.attention) read() })
