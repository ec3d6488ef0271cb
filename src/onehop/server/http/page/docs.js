// Shows the document of the server that the page came from.
"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false, // a key does not stay in the browser
  validatorUrl: null, // it would show the document to a host elsewhere
});
