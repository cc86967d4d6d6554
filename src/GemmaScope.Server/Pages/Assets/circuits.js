// The pages of attribution graphs. A graph comes from the server or from a file of the user's; the parts of the page that show it are files of their own.

import { at, digits } from './circuit-dom.js'
import { scoresOf } from './circuit-scores.js'
import { changed, isShown, listen, open, state } from './circuit-state.js'
import './circuit-drawing.js'
import './circuit-about.js'
import './circuit-picture.js'
import './circuit-whatif.js'
import './circuit-groups.js'
import { addressOf } from './circuit-parts.js'
import './circuit-attention.js'
import './circuit-save.js'
import { traceWith } from './circuit-trace.js'

const root = at('circuit')

function fail (problem) {
  at('circuit-problem').textContent = problem.message
  at('circuit-problem').hidden = false
}

/** Shows a graph: its place must be there before it is measured. */
function show (file) {
  root.hidden = false
  try {
    open(file)
  } catch (problem) {
    root.hidden = !state.graph
    throw problem
  }
}

if (root.dataset.graph) {
  at('circuit-loading').hidden = false
  fetch(addressOf(root.dataset.graph)).then(async answer => { if (!answer.ok) throw new Error((await answer.json()).detail); show(await answer.json()) }).catch(fail).finally(() => at('circuit-loading').remove())
}

// A graph on the user's own machine is read by the browser and sent nowhere.
at('open-graph')?.addEventListener('change', async ({ target }) => {
  const [file] = target.files
  if (!file) return
  at('circuit-problem').hidden = true
  try {
    const stream = file.name.endsWith('.gz') ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream()
    show(JSON.parse(await new Response(stream).text()))
  } catch (problem) {
    fail(problem instanceof SyntaxError ? new Error(`${file.name} is no JSON, or was cut short: ${problem.message}`) : problem)
  }
})

// How much is shown, and how much of the computation that is.
at('pruning').addEventListener('input', ({ target }) => { state.view.pruning = +target.value; changed('shown') })
at('density').addEventListener('input', ({ target }) => { state.view.density = +Math.pow(10, target.value).toPrecision(2); changed('shown') })
listen(['graph', 'shown'], () => {
  const { graph, view } = state
  at('pruning').value = view.pruning
  at('pruned').textContent = view.pruning < 1 ? `first ${Math.round(100 * view.pruning)} % of influence` : 'all nodes of the file'
  at('density-choice').hidden = !graph.nodes.some(node => node.density !== undefined)
  at('density').value = Math.log10(Math.max(view.density, 0.001))
  at('dense').textContent = view.density < 1 ? `no feature that fires on more than ${digits(100 * view.density, 2)} % of tokens` : 'however often they fire'
})
listen(['graph', 'shown', 'pins', 'choice'], () => {
  const { graph, view } = state
  const [shown, all] = [graph.nodes.filter(isShown).length, graph.file.part?.nodes ?? graph.nodes.length]
  const told = has => { const { replacement, completeness } = scoresOf(graph, has); return `replacement ${replacement.toFixed(2)} · completeness ${completeness.toFixed(2)}` }
  const parts = [`${shown < all ? `${shown} of ${all} nodes shown` : `all ${all} nodes shown`}: ${told(isShown)}`]
  if (view.pinned.size > 0) parts.push(`pinned alone: ${told(node => view.pinned.has(node.node_id))}`)
  at('scores').textContent = parts.join(' — ')
})

const form = at('trace')
if (form) traceWith(form, fail)
