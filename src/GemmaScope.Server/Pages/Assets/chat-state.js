// A conversation with all that belongs to it, as it is saved in a file and shared by a link. None of it is on the server.

/** The form of what is saved; readers refuse another one. */
const FORMAT = 1

/** The longest link: browsers take more, but mail programs and chats cut longer ones. */
export const LONGEST_LINK = 16000

/** The conversation as an object to be saved. */
export const saved = (model, turns, settings) => ({ gemmascope: 'chat', format: FORMAT, model, ...settings, turns })

/** What was saved, checked; throws what is wrong with it. */
export function opened (state) {
  if (state?.gemmascope !== 'chat' || !Array.isArray(state.turns)) throw new Error('This is no conversation that was saved here.')
  if (state.format !== FORMAT) throw new Error(`This conversation was saved in form ${state.format}, and this page knows form ${FORMAT}. Open it with the version that saved it.`)
  const isText = text => text === undefined || text === null || typeof text === 'string'
  const bad = state.turns.findIndex(turn => typeof turn?.user !== 'string' || ['normal', 'steered', 'normal_thinking', 'steered_thinking'].some(kind => !isText(turn[kind])))
  if (bad >= 0) throw new Error(`Turn ${bad + 1} of this conversation is damaged.`)
  return state
}

const bytesOf = async stream => new Uint8Array(await new Response(stream).arrayBuffer())

/** The fragment of a link that holds it, compressed. */
export async function packed (state) {
  const bytes = await bytesOf(new Blob([JSON.stringify(state)]).stream().pipeThrough(new CompressionStream('deflate-raw')))
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return `#talk=${btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`
}

/** What a fragment holds; null where it holds none. */
export async function unpacked (fragment) {
  const [, text] = fragment.match(/^#talk=([\w-]*)$/) ?? []
  if (text === undefined) return null
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), one => one.charCodeAt(0))
    return opened(JSON.parse(new TextDecoder().decode(await bytesOf(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'))))))
  } catch (problem) {
    throw problem instanceof SyntaxError || problem instanceof TypeError || problem instanceof DOMException ? new Error('This link is damaged or was cut short. Copy it anew, or open a saved file.') : problem
  }
}
