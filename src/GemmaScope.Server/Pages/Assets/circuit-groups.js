// Supernodes that are proposed: features that fire alike over texts and act alike, tried on the model.

import { at, element } from './circuit-dom.js'
import { ask, whyNot } from './circuit-prompt.js'
import { changed, choose, groupOf, listen, nameOf, state } from './circuit-state.js'
import { featureOf } from './circuit-graph.js'

const root = at('groups')
let running
let found

/** The features of the graph, as the model knows them. */
const features = () => state.graph.nodes.filter(node => featureOf(node)).map(node => ({ id: node.node_id, ...featureOf(node), label: node.clerp || node.label }))

function render () {
  running?.abort()
  const problem = whyNot() || (features().length < 2 ? 'This graph has no features to put together.' : '')
  if (problem) { root.hidden = true; return }
  root.hidden = false
  root.replaceChildren(
    element('div', { class: 'headed' }, element('h2', {}, 'Supernodes ', element('small', {}, 'features that fire alike and act alike, tested by turning them off')),
      element('span', {},
        element('label', {}, 'alike from ', element('input', { type: 'number', id: 'alike', min: 0.1, max: 1, step: 0.1, value: 0.5 })), ' ',
        element('button', { type: 'button', id: 'propose', onclick: propose }, 'propose supernodes'), ' ',
        element('button', { type: 'button', class: 'quiet', id: 'propose-stop', hidden: '', onclick: () => running?.abort() }, 'stop'))),
    element('p', { class: 'note', id: 'groups-stage', role: 'status' }),
    element('p', { class: 'problem', id: 'groups-problem', role: 'alert', hidden: '' }),
    element('div', { class: 'scroll', id: 'groups-found' }))
  if (found?.graph === state.graph.file) show()
}

async function propose () {
  const mine = running = new AbortController()
  const [stage, problem, button, stop] = ['groups-stage', 'groups-problem', 'propose', 'propose-stop'].map(at)
  problem.hidden = true
  button.disabled = true
  stop.hidden = false
  stage.textContent = 'waiting for the model'
  try {
    const answer = await ask(at('circuit').dataset.group, { nodes: features(), threshold: +at('alike').value }, mine.signal)
    for await (const report of globalThis.jsonLines(answer)) {
      if (report.problem) throw new Error(report.problem)
      if (report.stage) stage.textContent = report.total ? `${report.stage}: ${report.done} of ${report.total} ${report.unit}` : report.stage
      if (report.found) {
        found = { graph: state.graph.file, ...report.found }
        use(found.groups.filter(one => one.is_validated))
      }
    }
    if (!found) throw new Error('The answer broke off. Try once more.')
  } catch (wrong) {
    stage.textContent = ''
    if (!mine.signal.aborted) { problem.textContent = wrong.message; problem.hidden = false }
  } finally {
    button.disabled = false
    stop.hidden = true
  }
}

const isUsed = one => one.members.every(member => groupOf(member.node) && groupOf(member.node) === groupOf(one.members[0].node))
/** Pins groups and makes each one; what was grouped by hand stays. */
function use (groups) {
  for (const one of groups) {
    const ids = one.members.map(member => member.node).filter(id => state.graph.byId.has(id))
    if (ids.length < 2 || ids.some(groupOf)) continue
    for (const id of ids) state.view.pinned.add(id)
    state.view.supernodes = [...state.view.supernodes, [one.name, ...ids]]
  }
  state.view.places = {}
  changed('pins', 'names')
}
function leave (one) {
  const group = groupOf(one.members[0].node)
  state.view.supernodes = state.view.supernodes.filter(other => other !== group)
  for (const member of one.members) state.view.pinned.delete(member.node)
  state.view.places = {}
  changed('pins', 'names')
}

const HEADS = [
  ['group', 'What their labels share, or the words they promote'],
  ['features', ''],
  ['fire alike', 'The mean correlation of two over texts'],
  ['edges alike', 'The mean cosine of the edges of two'],
  ['stand in', 'The part of the effect of losing one that the others make good when they are scaled up'],
  ['random', 'The same of random features of the same layers: the mean, and the best'],
  ['joint', 'The effect of turning all off, as a part of the sum of the effects of each alone'],
  ['', '']
]
function show () {
  const { groups, unseen, text_tokens: read, texts } = found
  const passed = groups.filter(one => one.is_validated).length
  at('groups-stage').textContent = `${groups.length} proposed, ${passed} stand in for each other better than random features do. Texts: ${texts}, ${read.toLocaleString('en')} tokens${unseen ? `; ${unseen} features fire too rarely there` : ''}.`
  const number = value => value == null ? '–' : value.toFixed(2)
  at('groups-found').replaceChildren(...(groups.length === 0 ? [] : [element('table', {},
    element('thead', {}, element('tr', {}, ...HEADS.map(([name, title], i) => element('th', { title, class: i > 1 && i < 7 ? 'n' : undefined }, name)))),
    element('tbody', {}, ...groups.map(one => element('tr', { class: one.is_validated ? 'validated' : undefined },
      element('th', { scope: 'row' }, one.name),
      element('td', {}, ...one.members.flatMap((member, i) => {
        const node = state.graph.byId.get(member.node)
        return [i ? ', ' : '', element('button', { type: 'button', class: 'quiet', title: `L${member.layer} at ${member.position}`, onclick: () => node && choose(node) }, node ? nameOf(node) : `${member.layer}/${member.feature}`)]
      })),
      ...[one.co_firing, one.edge_similarity, one.stand_in].map(value => element('td', { class: 'n' }, number(value))),
      element('td', { class: 'n' }, one.control_mean == null ? 'none' : `${number(one.control_mean)}, ${number(one.control_most)}`),
      element('td', { class: 'n' }, number(one.joint)),
      element('td', {}, isUsed(one)
        ? element('button', { type: 'button', class: 'quiet', onclick: () => leave(one) }, 'take apart')
        : element('button', { type: 'button', class: 'quiet', onclick: () => use([one]) }, one.is_validated ? 'use' : 'use anyway')))))
  )]))
}

listen(['graph'], render)
listen(['pins', 'names'], () => { if (found?.graph === state.graph.file && !root.hidden) show() })
