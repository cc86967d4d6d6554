// A prompt is traced while the page shows how far it is; whoever stops or leaves ends it.

import { at } from './circuit-dom.js'

let tracing
/** Lets the form trace in place. */
export function traceWith (form, fail) {
  form.addEventListener('submit', async event => {
    event.preventDefault()
    const [stage, bar, stop, send] = [at('trace-stage'), at('trace-progress'), at('trace-stop'), form.querySelector('button')]
    tracing = new AbortController()
    at('circuit-problem').hidden = true
    stage.textContent = 'waiting for the model'
    bar.removeAttribute('value')
    bar.hidden = stop.hidden = false
    send.disabled = true
    try {
      const answer = await fetch(form.dataset.trace, { method: 'POST', body: new URLSearchParams(new FormData(form)), signal: tracing.signal })
      for await (const report of globalThis.jsonLines(answer)) {
        if (report.page) { location.href = report.page; return }
        if (report.stage) stage.textContent = report.total ? `${report.stage}: ${report.done} of ${report.total} rows` : report.stage
        if (report.total) { bar.max = report.total; bar.value = report.done }
      }
      throw new Error('The answer broke off. Trace once more.')
    } catch (problem) {
      stage.textContent = tracing.signal.aborted ? 'stopped' : ''
      if (!tracing.signal.aborted) fail(problem)
    } finally {
      bar.hidden = stop.hidden = true
      send.disabled = false
    }
  })
  at('trace-stop').addEventListener('click', () => tracing?.abort())
}
