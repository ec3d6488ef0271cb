// Ports among the globals of a realm.

import { MessageChannel, MessagePort } from "./ports.js";
import { addGlobal } from "./web.js";

addGlobal("MessageChannel", MessageChannel);
addGlobal("MessagePort", MessagePort);
