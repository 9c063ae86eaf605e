/** What the collector refuses, with the status that trackers understand and what to do next. */
export const HTTP_ERRORS = {
  'malformed-json': { status: 400, remedy: 'Send one JSON object.' },
  'malformed-batch': { status: 400, remedy: 'Send {"batch": [...]} with at least one message.' },
  'malformed-encoding': { status: 400, remedy: 'Send the body plain or with Content-Encoding: gzip.' },
  'wrong-type': { status: 400, remedy: 'Send the type that the path names, or leave it out.' },
  'write-key': {
    status: 401,
    remedy:
      'Send a key of the setting collector.writeKeys as the user name of Basic authentication, or as writeKey.',
  },
  'read-key': { status: 401, remedy: 'Send the setting collector.readKey as a Bearer token.' },
  'reading-closed': { status: 403, remedy: 'Set collector.readKey to open it.' },
  'unknown-route': { status: 404, remedy: 'docs/http.md lists the routes.' },
  'unknown-customer': { status: 404, remedy: 'Check the id; an anonymous customer is written anon:ID.' },
  'body-too-large': { status: 413, remedy: 'Send smaller batches, or raise collector.maxBodyKilobytes.' },
  'event-too-large': { status: 400, remedy: 'Send a smaller event, or raise collector.maxEventKilobytes.' },
  overloaded: { status: 503, remedy: 'Send it again after the seconds in Retry-After.' },
  'not-stored': {
    status: 503,
    remedy: 'Send it again after the seconds in Retry-After; message ids make that safe.',
  },
} as const;
export type HttpErrorCode = keyof typeof HTTP_ERRORS;

/** Refused as a whole; `reason` names the field. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  constructor(
    readonly code: HttpErrorCode,
    reason: string,
    /** Where the usual one of the code would mislead. */
    remedy: string = HTTP_ERRORS[code].remedy,
  ) {
    super(`${reason} ${remedy}`);
  }

  get status(): number {
    return HTTP_ERRORS[this.code].status;
  }
}
