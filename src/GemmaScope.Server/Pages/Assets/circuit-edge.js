// Through which attention heads an edge came: what stays at its position needs none, all else was carried by some.

import { at, bar, digits, element } from './circuit-dom.js'
import { featureOf, targetOf } from './circuit-graph.js'
import { ask, whyNot } from './circuit-prompt.js'
import { changed, state } from './circuit-state.js'

/** An end of an edge as a request has it, or null where the model cannot tell it. */
function endOf (node) {
  const position = node.ctx_idx
  if (node.kind === 'feature') { const one = featureOf(node); return one && { kind: 'feature', layer: one.layer, position, index: one.feature } }
  if (node.kind === 'target') { const one = targetOf(node); return one && { kind: 'target', position, index: one.token, over: one.over } }
  return node.kind === 'error' ? { kind: 'error', layer: node.row, position } : { kind: 'token', position }
}

/** The weight of an edge in a list; a click on it opens a line with the heads that carried it. */
export function weightOf (link, text) {
  const [from, to] = [endOf(link.source), endOf(link.target)]
  if (!from || !to || whyNot()) return text
  return element('button', { type: 'button', class: 'quiet', title: 'which heads carried it', 'aria-expanded': 'false', onclick: ({ currentTarget }) => toggle(currentTarget, link, from, to) }, text)
}

async function toggle (button, link, from, to) {
  const row = button.closest('tr')
  const isOpen = button.getAttribute('aria-expanded') === 'true'
  button.setAttribute('aria-expanded', `${!isOpen}`)
  if (isOpen) { row.nextElementSibling.remove(); return }
  const place = element('td', { colspan: 3 }, element('span', { class: 'note' }, 'asking the model …'))
  row.after(element('tr', { class: 'carried' }, place))
  try {
    const answer = await ask(at('circuit').dataset.edge, { from, to })
    const found = await answer.json()
    if (!answer.ok) throw new Error(found.detail)
    place.replaceChildren(...heads(found, link))
  } catch (problem) {
    place.replaceChildren(element('span', { class: 'problem', role: 'alert' }, problem.message))
  }
}

function heads ({ weight, direct, heads, other_heads: others, other_last: rest }, { source, target }) {
  const most = Math.max(Math.abs(direct), ...heads.map(one => Math.abs(one.last)), 1e-9)
  const line = (name, value) => element('tr', {}, element('td', {}, name), element('td', { class: 'n' }, digits(value, 2)), element('td', {}, bar(value, most)))
  const look = ({ layer, head }) => () => { state.view.attention = { layer, head, query: target.ctx_idx, key: source.ctx_idx <= target.ctx_idx ? source.ctx_idx : null }; changed('attention', 'look') }
  const carried = heads.filter(one => one.last !== 0)
  return [
    element('table', {}, element('tbody', {}, line('through no head', direct),
      ...carried.map(one => line(element('button', { type: 'button', class: 'quiet', title: 'where this head looks', onclick: look(one) }, `layer ${one.layer} head ${one.head}`), one.last)),
      ...(others > 0 && rest !== 0 ? [line(`${others} other heads`, rest)] : []))),
    element('p', { class: 'note' }, `by the last head on the way; together ${digits(weight)}`)
  ]
}
