// Which failures may be repeated, and with which bytes: the rules of retries.json.

const ASKED = "7828446e5acd4aa996dce3455ec914e9";
const REFUSED = [
  "GET_ACCOUNT_UNKNOWN_AUTH_KEY", "INSUFFICIENT_AUTH_SCOPE", "INVALID_PARAMS_FIELD",
  "INVALID_AUTH_EXPIRES_PARAMETER", "INVALID_SIGNATURE", "NO_AUTH_EXPIRES_PARAMETER", "NO_PARAMS_FIELD",
  "NO_SIGNATURE_FIELD", "TEMPLATE_DENIES_STEPS_OVERRIDE", "TEMPLATE_NOT_FOUND",
];
/** What these codes say of a request, whatever HTTP status they come with. */
const CODES = new Map<unknown, Phase>([
  ["RATE_LIMIT_REACHED", "limited"], ["ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED", "limited"],
  ["AUTH_EXPIRED", "expired"], ["SIGNATURE_REUSE_DETECTED", "used"], ["DO_NOT_REUSE_ASSEMBLY_IDS", "used"],
  ...REFUSED.map((code): [string, Phase] => [code, "refused"]),
]);

export type Guard = "own id" | "nonce" | "harmless" | "twice is once" | "nothing";
export type Next = "same" | "anew" | "look" | "stop" | "report" | "done";
type Phase = "done" | "not sent" | "limited" | "expired" | "used" | "refused" | "unknown";
export type Outcome = {
  kind: "not sent" | "lost" | "cannot be sent" | "answer";
  http_status?: number; body?: string; body_base64?: string;
  headers?: Record<string, string>; clock_is_off_by?: number;
};

/** The JSON object in an answer; null if there is none. */
function answerOf(outcome: Outcome): Record<string, unknown> | null {
  try {
    const bytes = outcome.body_base64 === undefined ? undefined : Buffer.from(outcome.body_base64, "base64");
    const text = bytes ? new TextDecoder("utf-8", { fatal: true }).decode(bytes) : (outcome.body ?? "");
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && !Array.isArray(data) ? (data as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

function isUnsigned(guard: Guard): boolean {
  return guard === "harmless" || guard === "twice is once";
}

/** How far an attempt came: done, or how it failed. */
export function phase(outcome: Outcome, guard: Guard, looking = false): Phase {
  if (outcome.kind !== "answer") {
    return { "cannot be sent": "refused", lost: "unknown", "not sent": "not sent" }[outcome.kind] as Phase;
  }
  const status = outcome.http_status ?? 0;
  const data = answerOf(outcome);
  const limited = status === 423 || status === 429;
  if (!data) return limited ? "limited" : byStatus(status, true);
  const about = data["assembly_id"];
  if ((isUnsigned(guard) || guard === "own id") && about && about !== ASKED) return "unknown"; // about another Assembly
  const reads = isUnsigned(guard) && !looking;
  if (status < 400 && !(data["error"] && !(reads && about))) {
    const known = reads ? about : data["ok"] || about;
    return known && !(looking && data["ok"] === "ASSEMBLY_UPLOADING") ? "done" : byStatus(status, true);
  }
  const code = data["error"] || data["code"];
  const says = CODES.get(code);
  if (says) return says;
  if (limited) return "limited";
  if (about && !isUnsigned(guard)) return "refused"; // the Assembly is there, and has failed
  if (guard === "own id" && (code === "ASSEMBLY_NOT_FOUND" || code === "SERVER_404")) return "unknown";
  return byStatus(status, false);
}

function byStatus(status: number, unreadable: boolean): Phase {
  return status >= 500 || (unreadable && status < 300) ? "unknown" : "refused";
}

function stepAfter(came: Phase, guard: Guard, doubt: boolean): Next {
  if (doubt && guard === "own id" && (came === "refused" || came === "expired")) return "look";
  if (doubt && guard === "nonce") return ["refused", "used", "expired"].includes(came) ? "report" : "same";
  if (came === "used") return guard === "own id" ? "look" : "stop";
  if (came === "unknown") return guard === "own id" ? "look" : guard === "nothing" ? "report" : "same";
  return came === "not sent" ? "same" : came === "refused" ? "stop" : "anew";
}

/** What follows each outcome. */
export function decisions(guard: Guard, attempts: number, outcomes: Outcome[]): Next[] {
  const done: Next[] = [];
  const left = outcomes.values();
  let [doubt, corrected, clock] = [false, false, 0];
  for (let number = 1; number <= attempts; number++) {
    const outcome = left.next().value!;
    let came = phase(outcome, guard);
    if (came === "done") return [...done, "done"];
    if (came === "expired") {
      const off = outcome.clock_is_off_by ?? 0;
      corrected = !corrected && Math.abs(off - clock) >= 30;
      if (corrected) clock = off;
      else came = "refused";
    }
    doubt ||= came === "unknown" && guard !== "harmless";
    if (came === "refused" && guard === "twice is once") doubt = false; // the refusal says how things stand
    let step = stepAfter(came, guard, doubt);
    if (step === "look") {
      const [found, looks] = look(attempts, left);
      done.push(...Array<Next>(looks).fill("look"));
      if (found !== "missing") return [...done, found];
      doubt = came !== "refused";
      step = came === "unknown" ? "same" : came === "refused" ? "stop" : "anew";
    }
    if (step === "stop" || step === "report" || number === attempts) return [...done, doubt ? "report" : "stop"];
    done.push(isUnsigned(guard) ? "same" : step);
  }
  return done;
}

/** Reads the status until something is known; gives how that ends, and how many reads it took. */
function look(attempts: number, left: Iterator<Outcome>): [Next | "missing", number] {
  for (let number = 1; ; number++) {
    const outcome: Outcome = left.next().value!;
    const came = phase(outcome, "harmless", true);
    const data = answerOf(outcome);
    if (came === "done" && data?.["ok"] !== "REQUEST_ABORTED") return ["done", number];
    if (came === "refused" && data?.["error"] === "ASSEMBLY_NOT_FOUND") return ["missing", number];
    if (came === "done" || data?.["assembly_id"] === ASKED) return ["stop", number]; // there, and failed
    if (came === "refused" || came === "used" || number === attempts) return ["report", number];
  }
}

/** The least and the most seconds to wait after attempt `number`. */
export function wait(outcome: Outcome, guard: Guard, number: number): [number, number] {
  const info = answerOf(outcome)?.["info"] as { retryIn?: unknown } | null | undefined;
  const header = outcome.headers?.["Retry-After"];
  const told = typeof info?.retryIn === "number" && info.retryIn >= 0 ? info.retryIn : undefined;
  const asked = told ?? (header ? Number(header) : undefined);
  const backoff = Math.min(30, 0.5 * 2 ** (number - 1));
  if (phase(outcome, guard) !== "limited") return [asked ?? 0, Math.max(backoff, asked ?? 0)];
  const least = Math.max(1, asked ?? backoff);
  return [least, least + 0.5];
}
