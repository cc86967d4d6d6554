// The card of a feature comes up beside whatever names one, when it is pointed at, has the focus of the keyboard, or is tapped.

const AFTER = 250
const cards = new Map()
let card, link, timer

const linkOf = target => target.closest?.('[data-card]')

/** The card's HTML, fetched once. */
async function html (address) {
  if (!cards.has(address)) {
    const answer = await fetch(address)
    if (!answer.ok) return null
    cards.set(address, await answer.text())
  }
  return cards.get(address)
}

/** Brings up the card of a link. */
async function open (from) {
  link = from
  const content = await html(from.dataset.card).catch(() => null)
  if (content === null || link !== from || !from.isConnected) return
  if (!card) {
    card = document.createElement('div')
    card.id = 'card'
    card.popover = 'manual'
    document.body.append(card)
  }
  card.innerHTML = content
  card.showPopover()
  from.setAttribute('aria-describedby', 'card')
  place()
}

/** Puts the card below its link where there is room, and else above. */
function place () {
  const [at, size, gap] = [link.getBoundingClientRect(), card.getBoundingClientRect(), 6]
  const below = at.bottom + gap + size.height <= innerHeight || at.top - gap < size.height
  card.style.top = `${below ? at.bottom + gap : at.top - gap - size.height}px`
  card.style.left = `${Math.max(gap, Math.min(at.left, document.documentElement.clientWidth - size.width - gap))}px`
}

function close () {
  clearTimeout(timer)
  link?.removeAttribute('aria-describedby')
  link = null
  if (card?.matches(':popover-open')) card.hidePopover()
}

const soon = (what, after = AFTER) => { clearTimeout(timer); timer = setTimeout(what, after) }

document.addEventListener('pointerover', ({ target, pointerType }) => {
  if (pointerType === 'touch') return
  const over = linkOf(target)
  if (over) { if (over !== link) soon(() => { close(); open(over) }) } else if (card?.contains(target)) clearTimeout(timer)
  else if (link) soon(close)
  else clearTimeout(timer)
})
document.addEventListener('focusin', ({ target }) => {
  const focused = linkOf(target)
  if (focused?.matches(':focus-visible')) { close(); open(focused) } else if (!card?.contains(target)) close()
})
// A tap shows the card first, and its link leads on; what opens in place is open at once.
document.addEventListener('click', event => {
  const tapped = linkOf(event.target)
  if (tapped && event.pointerType === 'touch' && link !== tapped && !('inPlace' in tapped.dataset)) {
    event.preventDefault()
    close()
    open(tapped)
  } else if (!card?.contains(event.target)) close()
}, true)
document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') close() })
document.addEventListener('leaving', close)
// The focus may scroll the page, and the card goes along.
document.addEventListener('scroll', () => { if (card?.matches(':popover-open')) place() }, { passive: true })
