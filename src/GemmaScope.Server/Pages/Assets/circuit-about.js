// The node that is chosen: what comes in, what goes out, and its card.

import { at, bar, digits, element } from './circuit-dom.js'
import { weightOf } from './circuit-edge.js'
import { choose, chosen, listen, nameOf, pin, placeOf, state, tokenOf } from './circuit-state.js'

const LISTED = 12

async function describe () {
  const panel = at('about')
  const node = chosen()
  if (!node) {
    panel.replaceChildren(element('p', { class: 'note' }, 'Click a node for what comes in and goes out; double-click it, or press p, to pin it. Point at one to see its neighbours. Diamonds are what the dictionaries could not explain.'))
    return
  }
  const pinned = state.view.pinned.has(node.node_id)
  const head = element('div', { class: 'headed' }, element('h2', {}, nameOf(node)), element('button', { type: 'button', class: 'quiet', onclick: () => pin(node), 'aria-pressed': `${pinned}` }, pinned ? 'unpin' : 'pin'))
  const figures = [placeOf(node)]
  if (node.activation != null) figures.push(`activation ${digits(node.activation)}`)
  if (node.kind === 'target' && node.token_prob) figures.push(`probability ${digits(100 * node.token_prob, 2)} %`)
  if (node.influence != null) figures.push(`within the first ${digits(100 * node.influence, 2)} % of influence`)
  const card = element('div')
  panel.replaceChildren(head, element('p', { class: 'note' }, figures.join(' · ')),
    element('div', { class: 'columns' }, flow('in from', node.inputs, link => link.source, node.into), flow('out to', node.outputs, link => link.target)), card)
  if (!node.card) return
  const answer = await fetch(node.card).catch(() => null)
  if (answer?.ok && state.view.clicked === node.node_id) card.innerHTML = await answer.text()
}

/** The strongest edges to one side. */
function flow (title, links, end, total) {
  const most = Math.abs(links[0]?.weight ?? 1)
  const rows = links.slice(0, LISTED).map(link => {
    const node = end(link)
    return element('tr', {},
      element('td', { class: 'wide' }, element('button', { type: 'button', class: 'quiet', 'data-go': node.node_id, title: placeOf(node) }, nameOf(node)), ' ', element('small', {}, `${node.layer === 'E' ? '' : `L${node.layer} `}“${tokenOf(node)}”`)),
      element('td', { class: 'n' }, weightOf(link, total ? `${digits(100 * link.weight / total, 2)} %` : digits(link.weight, 2))), element('td', {}, bar(link.weight, most)))
  })
  return element('table', { class: 'flow' }, element('caption', {}, `${title}${links.length > LISTED ? `: ${LISTED} of ${links.length}` : ''}`), ...rows)
}

listen(['graph', 'choice', 'pins', 'names'], describe)
at('about').addEventListener('click', ({ target }) => { const id = target.dataset?.go; if (id) choose(state.graph.byId.get(id)) })
