// The microscope while the model runs: each layer's line and the parts of the page take the places that are kept for them as soon as they are read.

let running

/** Puts a part into the place of the one of its name; focus stays where it was. */
function replace ({ id, html }) {
  const place = document.getElementById(id)
  if (!place) return
  const part = document.createElement('template')
  part.innerHTML = html
  const focused = place.contains(document.activeElement) ? document.activeElement.id : ''
  place.replaceWith(part.content.firstElementChild)
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

/** Reads the stream that the page names, if something is missing. */
async function read () {
  const page = document.querySelector('[data-reading]')
  if (!page) return
  const mine = running = new AbortController()
  page.setAttribute('aria-busy', 'true')
  try {
    const answer = await fetch(page.dataset.reading, { signal: mine.signal })
    for await (const part of jsonLines(answer)) replace(part)
    page.removeAttribute('data-reading')
  } catch (problem) {
    if (mine.signal.aborted) return
    const note = document.createElement('p')
    note.className = 'problem'
    note.setAttribute('role', 'alert')
    note.textContent = `The reading broke off: ${problem.message}. Press Look to go on.`
    page.append(note)
  } finally {
    page.removeAttribute('aria-busy')
  }
}

document.addEventListener('shown', read)
// What nobody looks at any more is not read to its end.
document.addEventListener('leaving', () => running?.abort())
read()

// The slider says where it stands while it moves, and goes there when it is let go.
document.addEventListener('input', ({ target }) => {
  if (target.id === 'layer') target.form.querySelector('output').value = target.value
})
document.addEventListener('change', ({ target }) => {
  if (target.id === 'layer') target.form.requestSubmit()
})
