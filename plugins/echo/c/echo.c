/* The echo plugin in C: two API routes and a job that counts. It needs gcc, libc and the header. */
#include "jackfield_plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct text { int length; const char *at; }; /* as printf's %.*s wants it */
static const jackfield_host *host;
static uint64_t next_id = 1; /* ours are odd */
static int32_t say(uint32_t kind, uint64_t id, const char *json) {
  return host->send(host->ctx, kind, id, (const uint8_t *)json, strlen(json));
}
/* From a value to what ends it: the comma after it, or the bracket around it. */
static const char *end_of(const char *at) {
  for (int depth = 0; *at && (depth || !strchr(",}]", *at)); at += *at != 0) {
    if (*at == '"') while (*++at && *at != '"') at += *at == '\\' && at[1];
    depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
  }
  return at;
}
/* The value of one key of an object, or null; strstr would also find keys in what others sent. */
static struct text get(const char *object, const char *key) {
  const char *at = object + (*object == '{'), *name, *value;
  for (; *(name = at + strspn(at, ", \n")) == '"'; at = end_of(value)) {
    value = name + 1 + strcspn(name + 1, "\"");
    int found = (size_t)(value - name - 1) == strlen(key) && !strncmp(name + 1, key, strlen(key));
    value += strspn(value + (*value == '"'), ": \n") + (*value == '"');
    if (found) return (struct text){(int)(end_of(value) - value), value};
  }
  return (struct text){4, "null"};
}
static void http(const char *args, char *out) {
  struct text method = get(args, "method"), who = get(args, "who"), body = get(args, "body");
  if (!strncmp(method.at, "\"POST\"", 6)) sprintf(out, "{\"status\":200,\"body\":%.*s}", body.length, body.at);
  else sprintf(out, "{\"status\":200,\"body\":{\"who\":%.*s,\"method\":%.*s}}", who.length, who.at, method.length, method.at);
}
static void count(const char *args, char *out) { /* to 20 at most: recv has 100 ms, more needs a thread */
  struct text job = get(args, "job");
  int done = 0, to = atoi(get(get(args, "input").at, "to").at);
  for (; done < to && done < 20; say(JACKFIELD_REQUEST, next_id, out), next_id += 2)
    sprintf(out, "{\"op\":\"job.progress\",\"args\":{\"job\":%.*s,\"done\":%d,\"total\":%d}}", job.length, job.at, ++done, to);
  sprintf(out, "{\"result\":{\"counted\":%d}}", done);
}
static void *start(const jackfield_host *given, const uint8_t *config, size_t length) {
  host = given, (void)config, (void)length;
  return say(JACKFIELD_HELLO, 0, "{\"id\":\"echo_c\",\"version\":\"1.0.0\",\"ops\":[\"http\",\"job.run\"]}") ? NULL : &next_id;
}
static int32_t receive(void *self, uint32_t kind, uint64_t id, const uint8_t *bytes, size_t length) {
  char *in = kind == JACKFIELD_REQUEST ? calloc(2, length + 128) : NULL;
  if (!in) return (void)self, 0; /* nothing to do; a request that finds no memory times out */
  char *out = (char *)memcpy(in, bytes, length) + length + 1;
  struct text op = get(in, "op"), args = get(in, "args");
  int is_http = !strncmp(op.at, "\"http\"", 6), is_job = !strncmp(op.at, "\"job.run\"", 9);
  strcpy(out, "{\"code\":\"bad_request\",\"msg\":\"echo_c answers http and job.run only\"}");
  if (is_http || is_job) (is_http ? http : count)(args.at, out);
  say(is_http || is_job ? JACKFIELD_REPLY : JACKFIELD_ERROR, id, out);
  return free(in), 0;
}
static void stop(void *self, uint32_t deadline_ms) { (void)self, (void)deadline_ms; }
__attribute__((visibility("default"))) const jackfield_plugin jackfield_plugin_v1 = {
  sizeof(jackfield_plugin), JACKFIELD_ABI, "echo_c", start, receive, stop};
