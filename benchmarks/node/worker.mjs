// The vendor's Node SDK, told and telling what `benchmarks/worker.py` is told and tells.
import { createInterface } from 'node:readline'
import { Transloadit } from 'transloadit'

const [endpoint, given] = process.argv.slice(2)
const { key, secret, steps } = JSON.parse(given)
const client = new Transloadit({ authKey: key, authSecret: secret, endpoint })

async function call() {
  const status = await client.createAssembly({ params: { steps } })
  if (status.ok !== 'ASSEMBLY_EXECUTING' || status.assembly_id.length !== 32) throw new Error(status)
}

await call()
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const [calls, inFlight] = line.split(' ').map(Number)
  let left = calls
  const cpu = process.cpuUsage()
  const start = performance.now()
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await call()
    }),
  )
  const wall = performance.now() - start
  const used = process.cpuUsage(cpu)
  console.log((used.user + used.system) / 1e6, wall / 1e3)
}
process.exit(0)
