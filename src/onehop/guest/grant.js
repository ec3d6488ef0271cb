// What the job grants of the host's tools.

/**
 * Null when no tools are granted.
 * @type {{ __proto__?: null, limits: ToolLimits | null }}
 */
export const grant = { __proto__: null, limits: null };
