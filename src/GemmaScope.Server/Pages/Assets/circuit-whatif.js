// What if a pinned feature were off, or stronger? The server's model tells at once: next words, targets, and the text that it writes then.

import { at, bar, digits, element, shortened, visible } from './circuit-dom.js'
import { featureOf, targetOf } from './circuit-graph.js'
import { boxes } from './circuit-picture.js'
import { ask, whyNot } from './circuit-prompt.js'
import { predicted, sameFeature } from './circuit-scores.js'
import { changed, choose, listen, placeOf, state } from './circuit-state.js'

const MODES = {
  free: ['nothing fixed', 'The model as it is: it may answer in ways that no graph shows.'],
  attention_frozen: ['attention fixed', 'Where heads look stays as it was; norms and MLPs answer.'],
  constrained: ['all fixed', 'Attention, norms and MLPs stay as they were: the model that the graph describes, where its edges are exact.']
}
const TEXTS = [0, 24, 64]
const SOON = 200
const [OFF, TWICE] = ['x0', 'x2']

const root = at('whatif')
const percent = share => { const whole = 100 * share; return `${whole === 0 ? 0 : whole < 0.01 ? '<0.01' : whole >= 99.95 ? whole.toFixed(2) : digits(whole, whole < 1 ? 2 : 3)} %` }
const signed = value => `${value > 0 ? '+' : value < 0 ? '−' : ''}${digits(Math.abs(value))}`
const featuresOf = box => box.nodes.filter(featureOf)

/** How a change is written: x0 for off, x2 for twice as strong, =12.5 for that activation. */
function parsed (change) {
  const number = parseFloat(change.slice(1))
  return change[0] === '=' ? { value: number } : { factor: number }
}
/** The part of its activation that a node changes by. */
function relative (node, change) {
  const { value, factor } = parsed(change)
  return value === undefined ? factor - 1 : node.activation ? value / node.activation - 1 : 0
}

// The controls.

let rows = []
function render () {
  stop()
  const pinned = boxes().filter(box => featuresOf(box).length > 0)
  root.hidden = pinned.length === 0
  if (root.hidden) return
  const problem = whyNot()
  if (problem) {
    root.replaceChildren(element('h2', {}, 'What if'), element('p', { class: 'note', id: 'whatif-note' }, problem))
    return
  }
  rows = pinned.map(rowOf)
  const { whatif } = state.view
  const choice = (name, options, chosen) => element('select', { 'aria-label': name, onchange: ({ target }) => { whatif[name] = name === 'tokens' ? +target.value : target.value; say() } },
    ...options.map(([value, text]) => element('option', { value, selected: `${value}` === `${chosen}` }, text)))
  root.replaceChildren(
    element('div', { class: 'headed' }, element('h2', {}, 'What if ', element('small', {}, 'pinned features were off, or stronger: the model answers at once')),
      element('button', { type: 'button', class: 'quiet', id: 'whatif-reset', onclick: () => { whatif.changes.clear(); render(); say() } }, 'leave all as they are')),
    element('div', { class: 'scroll' }, element('table', { class: 'knobs' }, element('tbody', {}, ...rows.map(row => row.line)))),
    element('p', { class: 'choices' },
      element('label', {}, 'hold ', choice('mode', Object.entries(MODES).map(([name, [text]]) => [name, text]), whatif.mode)),
      element('label', {}, 'where ', choice('where', [['here', 'at their positions'], ['everywhere', 'everywhere, also in what is written']], whatif.where)),
      element('label', {}, 'write ', choice('tokens', TEXTS.map(many => [many, many ? `${many} tokens` : 'no text']), whatif.tokens))),
    element('p', { class: 'note', id: 'whatif-mode' }),
    element('p', { class: 'problem', id: 'whatif-problem', role: 'alert', hidden: '' }),
    element('div', { id: 'outcome', 'aria-live': 'polite', hidden: '' }))
  show()
  run()
}

/** A pinned feature or group: off, twice, or any strength by a slider. */
function rowOf (box) {
  const nodes = featuresOf(box)
  const single = nodes.length === 1 && nodes[0].activation ? nodes[0] : null
  const usual = single?.activation ?? 1
  const slider = element('input', { type: 'range', min: 0, max: 4 * usual, step: usual / 20, 'aria-label': `strength of ${box.name}` })
  const told = element('output', {})
  const set = change => {
    for (const node of nodes) if (change) state.view.whatif.changes.set(node.node_id, change); else state.view.whatif.changes.delete(node.node_id)
    show(); say()
  }
  const button = (text, change) => element('button', { type: 'button', class: 'quiet', onclick: () => set(now() === change ? undefined : change) }, text)
  const now = () => state.view.whatif.changes.get(nodes[0].node_id)
  const [off, twice] = [button('off', OFF), button('×2', TWICE)]
  slider.addEventListener('input', () => set(Math.abs(slider.value - usual) < usual / 40 ? undefined : +slider.value === 0 ? OFF : single ? `=${digits(+slider.value, 4)}` : `x${+(+slider.value).toFixed(2)}`))
  const line = element('tr', {},
    element('th', { scope: 'row', class: 'wide' }, element('button', { type: 'button', class: 'quiet', title: nodes.map(placeOf).join('\n'), onclick: () => choose(nodes[0]) }, shortened(box.name, 60)), ' ',
      element('small', {}, nodes.length > 1 ? `${nodes.length} features` : `L${nodes[0].layer} at ${nodes[0].ctx_idx}`)),
    element('td', { class: 'act' }, off, ' ', twice), element('td', { class: 'slide' }, slider), element('td', { class: 'n' }, told))
  return {
    line,
    show () {
      const change = now()
      const at = change ? (relative(nodes[0], change) + 1) * usual : usual
      if (document.activeElement !== slider || +slider.value !== at) slider.value = at
      off.setAttribute('aria-pressed', `${change === OFF}`)
      twice.setAttribute('aria-pressed', `${change === TWICE}`)
      told.textContent = !change ? (single ? digits(usual) : 'as it is') : change === OFF ? 'off' : single ? `${digits(usual)} → ${digits(at)}` : `×${digits(at)}`
      line.classList.toggle('turned', change !== undefined)
    }
  }
}
function show () {
  const { whatif } = state.view
  for (const row of rows) row.show()
  at('whatif-reset').hidden = whatif.changes.size === 0
  at('whatif-mode').textContent = `${MODES[whatif.mode][1]}${whatif.mode === 'free' || !whatif.tokens ? '' : ' Texts are written with nothing fixed.'}`
}

// What comes of it.

/** The changes of the nodes that are pinned. */
function asked () {
  const { graph, view: { whatif, pinned } } = state
  const made = new Map()
  for (const [id, change] of whatif.changes) {
    const node = graph.byId.get(id)
    if (!pinned.has(id) || !node || !featureOf(node)) continue
    const { layer, feature, position } = featureOf(node)
    const where = whatif.where === 'everywhere' ? {} : { position }
    made.set(`${layer} ${feature} ${where.position}`, { node, change, request: { layer, feature, ...where, ...parsed(change) } })
  }
  return [...made.values()]
}

let timer, running
function stop () {
  clearTimeout(timer)
  running?.abort()
  running = undefined
}
/** What was chosen stands in the address, and the model is asked in a moment: a slider passes many places. */
function say () {
  show()
  changed('whatif')
  stop()
  if (asked().length > 0) at('outcome').classList.add('old')
  timer = setTimeout(run, SOON)
}

async function run () {
  stop()
  const changes = asked()
  const place = at('outcome')
  at('whatif-problem').hidden = true
  if (changes.length === 0) { place.hidden = true; place.replaceChildren(); return }
  const mine = running = new AbortController()
  const { graph, view: { whatif } } = state
  const targets = graph.nodes.filter(node => node.kind === 'target' && targetOf(node)).slice(0, 10)
  place.setAttribute('aria-busy', 'true')
  try {
    const answer = await ask(at('circuit').dataset.intervene, {
      changes: changes.map(one => one.request),
      mode: whatif.mode,
      max_tokens: whatif.tokens,
      targets: targets.map(node => targetOf(node).token),
      over: targets.map(node => targetOf(node).over)
    }, mine.signal)
    for await (const piece of globalThis.jsonLines(answer)) {
      if (mine.signal.aborted) return
      if (piece.kind === 'effect') outcome(place, piece, targets, changes, whatif)
      else at(`written-${piece.kind}`).append(piece.text)
    }
    place.removeAttribute('aria-busy')
  } catch (problem) {
    if (mine.signal.aborted) return
    place.removeAttribute('aria-busy')
    at('whatif-problem').textContent = problem.message
    at('whatif-problem').hidden = false
  }
}

function outcome (place, { kl, next, targets }, nodes, changes, whatif) {
  const word = piece => element('code', { class: 'word' }, visible(piece.replaceAll('▁', ' ')))
  const most = Math.max(...next.map(one => Math.max(one.before, one.after)))
  const words = element('table', { class: 'shifts' },
    element('caption', {}, 'next word'),
    element('thead', {}, element('tr', {}, ...['', 'now', '', 'then', ''].map((name, i) => element('th', { class: i % 2 ? 'n' : undefined }, name)))),
    element('tbody', {}, ...next.slice(0, 10).map(one => element('tr', {}, element('td', { class: 'w' }, word(one.piece)),
      element('td', { class: 'n' }, percent(one.before)), element('td', { class: 'b' }, bar(one.before, most)),
      element('td', { class: 'n' }, percent(one.after)), element('td', { class: 'b' }, bar(one.after, most))))))
  const ways = predicted(graph(), nodesOf(changes, whatif))
  const logits = element('table', { class: 'shifts' },
    element('caption', {}, 'change of the logit'),
    element('thead', {}, element('tr', {}, element('th', {}, 'target'), ...[['its edges', 'What the direct edges from the changed features say'], ['all ways', 'What all ways through the features of this graph say'], ['measured', 'What the model does']].map(([name, title]) => element('th', { class: 'n', title }, name)))),
    element('tbody', {}, ...targets.map(one => {
      const node = nodes.find(other => targetOf(other).token === one.id && targetOf(other).over === (one.over ?? -1))
      return element('tr', {}, element('td', { class: 'w' }, word(one.piece), ...(one.over_piece ? [' over ', word(one.over_piece)] : [])), element('td', { class: 'n' }, one.predicted == null ? '–' : signed(one.predicted)),
        element('td', { class: 'n' }, node ? signed(ways.get(node) ?? 0) : '–'), element('td', { class: 'n' }, element('b', {}, signed(one.after - one.before))))
    })))
  const text = (kind, name) => element('div', {}, element('h3', {}, name), element('p', { class: 'bubble', id: `written-${kind}` }))
  place.replaceChildren(
    element('div', { class: 'sides' }, element('div', {}, words, element('p', { class: 'note' }, `KL ${digits(kl)} nats from now to then`)), logits),
    ...(whatif.tokens ? [element('div', { class: 'sides' }, text('default', 'as it is'), text('changed', 'changed'))] : []))
  place.classList.remove('old')
  place.hidden = false
}
const graph = () => state.graph
/** The nodes that change, and by which part. */
const nodesOf = (changes, whatif) => changes.flatMap(({ node, change }) =>
  (whatif.where === 'everywhere' ? sameFeature(state.graph, node) : [node]).map(one => [one, relative(one, change)]))

listen(['graph', 'pins', 'names'], render)
