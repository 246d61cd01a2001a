// The documentation of the API, with requests that can be tried: of whoever is signed in, or with a token.

const cookie = (name) =>
  document.cookie.split("; ").map((each) => each.split("=")).find(([key]) => key === name)?.[1] ?? "";

window.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null, // nothing is asked of another host
  requestInterceptor: (request) => {
    request.headers["X-XSRFToken"] = cookie("speaksep-xsrf");
    return request;
  },
});
