// What the job grants of the host's tools.

/**
 * Null when no tools are granted; and whether there is a session to store something with.
 * @type {{ __proto__?: null, limits: ToolLimits | null, hasSession: boolean }}
 */
export const grant = { __proto__: null, limits: null, hasSession: false };
