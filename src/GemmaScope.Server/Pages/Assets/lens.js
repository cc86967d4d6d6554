// The picture follows while one types: after a pause the form is sent as its button would send it, and only the picture is exchanged.

const pause = 500
let waiting

document.addEventListener('input', ({ target }) => {
  if (target.id !== 'text' || !target.form?.checkValidity()) return
  clearTimeout(waiting)
  waiting = setTimeout(() => target.form.requestSubmit(), pause)
})
document.addEventListener('submit', () => clearTimeout(waiting), true)
