// @tus/server, which nobody here wrote: serves uploads into the folder it is given, says where, and
// ends with its standard input.
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const directory = process.argv[2]
const server = new Server({ path: '/files', datastore: new FileStore({ directory }) })
const listening = server.listen(0, '127.0.0.1', () => {
  console.log(listening.address().port)
})
process.stdin.resume().on('end', () => process.exit(0))
