/* A plugin for tests: it shows what it was given, does what it is told at the appliance's services, and holds
 * jobs. VERSION is its version, UNDO its operations besides the usual ones or nothing; see mirror.rs. It trusts what it receives to be the appliance's compact JSON. */
#include "jackfield_plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct text { int length; const char *at; }; /* as printf's %.*s wants it */
static const jackfield_host *host;
static char *config;
static uint64_t last_words; /* the question after whose answer it dies */
static int32_t say(uint32_t kind, uint64_t id, const char *json) {
  return host->send(host->ctx, kind, id, (const uint8_t *)json, strlen(json));
}
/* Past one value. */
static const char *past(const char *at) {
  int depth = 0;
  do {
    if (*at == '"') while (*++at != '"') at += *at == '\\';
    else if (*at == '{' || *at == '[') ++depth;
    else if (*at == '}' || *at == ']') --depth;
    ++at;
  } while (depth > 0 || !strchr(",}]", *at));
  return at;
}
static struct text field(const char *object, const char *key) {
  for (const char *at = object + 1; *at == '"';) {
    const char *value = strchr(at + 1, '"') + 2, *end = past(value);
    if (!strncmp(at + 1, key, strlen(key)) && at[1 + strlen(key)] == '"') return (struct text){(int)(end - value), value};
    at = end + (*end == ',');
  }
  return (struct text){4, "null"};
}
static int is(struct text text, const char *json) {
  return text.length == (int)strlen(json) && !strncmp(text.at, json, strlen(json));
}
static void job(uint64_t id, const char *args, char *out) {
  struct text which = field(args, "job"), name = field(args, "name"), input = field(args, "input");
  sprintf(out, "{\"level\":\"info\",\"target\":\"mirror\",\"msg\":\"began %.*s\"}", which.length - 2, which.at + 1);
  say(JACKFIELD_LOG, 0, out);
  if (is(name, "\"hold\"")) return;
  sprintf(out, "{\"result\":%.*s}", input.length, input.at);
  say(JACKFIELD_REPLY, id, out);
}
static void http(uint64_t id, const char *args, char *out) {
  struct text body = field(args, "body"), route = field(args, "route"), request = field(args, "request");
  if (is(route, "\"mirror:relay\"") || is(route, "\"mirror:die\"")) {
    if (is(route, "\"mirror:die\"")) last_words = id + 1;
    /* The id of the API request goes where the body says "@request". */
    const char *hole = strstr(body.at, "\"@request\"");
    if (hole && hole < body.at + body.length) {
      int before = (int)(hole - body.at), after = body.length - before - 10;
      sprintf(out, "%.*s%.*s%.*s", before, body.at, request.length, request.at, after, hole + 10);
    } else sprintf(out, "%.*s", body.length, body.at);
    say(JACKFIELD_REQUEST, id + 1, out); /* the host's ids are even */
    return;
  }
  if (is(route, "\"mirror:answer\"")) { /* an answer of the test's own */
    sprintf(out, "%.*s", body.length, body.at);
    say(JACKFIELD_REPLY, id, out);
    return;
  }
  sprintf(out, "{\"status\":200,\"etag\":\"7\",\"body\":{\"version\":\"" VERSION "\",\"config\":%s,\"asked\":%s}}", config, args);
  say(JACKFIELD_REPLY, id, out);
}
static char *copy(const uint8_t *bytes, size_t length, size_t more) {
  char *text = calloc(1, length + more + 1);
  if (!text) abort();
  return memcpy(text, bytes, length);
}
static void *start(const jackfield_host *given, const uint8_t *bytes, size_t length) {
  host = given, config = copy(bytes, length, 0);
  const char *hello = "{\"id\":\"mirror\",\"version\":\"" VERSION "\",\"ops\":[\"http\",\"job.run\",\"settings.changed\"" UNDO "]}";
  return say(JACKFIELD_HELLO, 0, hello) ? NULL : &host;
}
static int32_t receive(void *self, uint32_t kind, uint64_t id, const uint8_t *bytes, size_t length) {
  (void)self;
  char *in = copy(bytes, length, 0), *out = copy(bytes, 0, length + strlen(config) + 256);
  struct text op = kind == JACKFIELD_REQUEST ? field(in, "op") : (struct text){0, ""};
  char *args = kind == JACKFIELD_REQUEST ? copy((const uint8_t *)field(in, "args").at, (size_t)field(in, "args").length, 0) : NULL;
  if (kind == JACKFIELD_REPLY || kind == JACKFIELD_ERROR) {
    if (id == last_words) abort();
    sprintf(out, "{\"status\":200,\"body\":{\"%s\":%s}}", kind == JACKFIELD_REPLY ? "reply" : "error", in);
    say(JACKFIELD_REPLY, id - 1, out);
  }
  if (kind == JACKFIELD_EVENT) {
    struct text object = field(in, "object");
    sprintf(out, "{\"level\":\"info\",\"target\":\"mirror\",\"msg\":%.*s}", object.length, object.at);
    say(JACKFIELD_LOG, 0, out);
  }
  if (is(op, "\"http\"")) http(id, args, out);
  if (is(op, "\"job.run\"")) job(id, args, out);
  if (is(op, "\"revision.undo\"")) { /* what was noted as `before` says what to do */
    struct text before = field(args, "before");
    sprintf(out, "%.*s", before.length, before.at);
    say(JACKFIELD_REPLY, id, out);
  }
  if (is(op, "\"login.bind\"")) { /* the password says what the directory does */
    struct text password = field(args, "password");
    if (is(password, "\"directory says yes\"")) say(JACKFIELD_REPLY, id, "{}");
    else if (is(password, "\"directory is away\"")) say(JACKFIELD_ERROR, id, "{\"code\":\"unavailable\",\"msg\":\"ldap.example.com refused the connection\"}");
    else if (is(password, "\"directory is another\"")) say(JACKFIELD_ERROR, id, "{\"code\":\"not_found\",\"msg\":\"not from here\"}");
    else if (!is(password, "\"directory hangs\"")) say(JACKFIELD_ERROR, id, "{\"code\":\"denied\",\"msg\":\"invalid credentials\"}");
  }
  if (is(op, "\"settings.changed\"")) {
    free(config), config = copy((const uint8_t *)args, strlen(args), 0);
    say(JACKFIELD_REPLY, id, "{}");
  }
  return free(args), free(out), free(in), 0;
}
static void stop(void *self, uint32_t deadline_ms) { (void)self, (void)deadline_ms; }
__attribute__((visibility("default"))) const jackfield_plugin jackfield_plugin_v1 = {
  sizeof(jackfield_plugin), JACKFIELD_ABI, "mirror", start, receive, stop};
