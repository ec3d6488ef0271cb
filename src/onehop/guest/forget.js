// For the next call of a session: what the last one had of tools and services is gone.

import { forgetReads } from "./unawaited.js";
import { forgetTools } from "./tools.js";
import { forgetServices } from "./services.js";
import { forgetSnippets } from "./snippets.js";

export function forgetCall() {
  forgetReads();
  forgetTools();
  forgetServices();
  forgetSnippets();
}
