// The pages of attribution graphs. A graph comes from the server or from a file of the user's; the parts of the page that show it are files of their own.

import { at } from './circuit-dom.js'
import { changed, listen, open, state } from './circuit-state.js'
import './circuit-drawing.js'
import './circuit-about.js'
import './circuit-picture.js'
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
  fetch(root.dataset.graph).then(async answer => { if (!answer.ok) throw new Error((await answer.json()).detail); show(await answer.json()) }).catch(fail)
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

// How much is shown.
at('pruning').addEventListener('input', ({ target }) => { state.view.pruning = +target.value; changed('shown') })
listen(['graph', 'shown'], () => {
  at('pruning').value = state.view.pruning
  at('pruned').textContent = state.view.pruning < 1 ? `first ${Math.round(100 * state.view.pruning)} % of influence` : 'all nodes of the file'
})

const form = at('trace')
if (form) traceWith(form, fail)
