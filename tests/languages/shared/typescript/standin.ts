const { TRANSLOADIT_ENDPOINT, CRASHED_ASSEMBLY } = process.env;

/** Asks the stand-in's admin API for a fault, as any program can, and whether the next request meets it. */
export async function meetsAFault(): Promise<boolean> {
  const body = JSON.stringify({ kind: "unavailable", operation: "getAssembly" });
  const asked = await fetch(`${TRANSLOADIT_ENDPOINT}/_standin/faults`, { method: "POST", body });
  const met = await fetch(`${TRANSLOADIT_ENDPOINT}/assemblies/${CRASHED_ASSEMBLY}`);
  return asked.status === 201 && met.status === 503;
}
