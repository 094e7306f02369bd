/* Jackfield plugin interface, major version 1.
 *
 * A plugin is a shared library that exports one constant, jackfield_plugin_v1, and nothing else. It runs in
 * a child process of its own: if it crashes, hangs or floods, that process is ended and started again, and
 * after five such ends within ten minutes it is quarantined until an operator clears it.
 *
 * A message is (kind, id, bytes). Bytes are UTF-8 JSON but for DATA, which carries what the two sides agreed
 * on. Every operation and its fields are described in plugins/abi/src/ops.rs; unknown fields are ignored, so
 * operations only ever grow.
 *
 * Memory: every buffer is borrowed for the duration of the call it is passed to. Copy what you keep. Nothing
 * is allocated by one side and freed by the other.
 *
 * Forbidden in a plugin: fork, exec, signal handlers, chdir, setenv, exit, and replacing the allocator.
 */
#ifndef JACKFIELD_PLUGIN_H
#define JACKFIELD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Major version in the upper half, minor in the lower. The major is also part of the symbol's name: a library
 * built for another major does not have the symbol. Minor versions append fields; read a field only when the
 * structure's size covers it. */
#define JACKFIELD_ABI 0x00010000u

/* Largest message in bytes. */
#define JACKFIELD_MESSAGE_BYTES 1048576u

enum jackfield_kind {
  JACKFIELD_HELLO = 1,   /* first message each way: who I am, what I offer             id 0   */
  JACKFIELD_REQUEST = 2, /* {op, args, deadline_ms}; answered by one REPLY or ERROR    id > 0 */
  JACKFIELD_REPLY = 3,   /* the result                                     id of the request  */
  JACKFIELD_ERROR = 4,   /* {code, msg, retry_ms}                          id of the request  */
  JACKFIELD_EVENT = 5,   /* {event, object}; not answered                              id 0   */
  JACKFIELD_CANCEL = 6,  /* advice: the answer is no longer wanted         id of the request  */
  JACKFIELD_LOG = 7,     /* {level, target, msg}; host truncates and limits            id 0   */
  JACKFIELD_DATA = 8,    /* raw bytes, where an operation says so                             */
  JACKFIELD_PING = 9,    /* host's question whether the process lives; never seen by recv     */
  JACKFIELD_PONG = 10    /* its answer; never sent by a plugin                                */
};

/* Ids: the host's requests are even, the plugin's are odd. */

enum jackfield_result {
  JACKFIELD_OK = 0,
  JACKFIELD_CLOSED = 1,    /* the host is gone or stop() has returned                       */
  JACKFIELD_BUSY = 2,      /* the queue is full: wait and try again                         */
  JACKFIELD_TOO_BIG = 3,   /* over JACKFIELD_MESSAGE_BYTES                                  */
  JACKFIELD_MALFORMED = 4  /* unknown kind, an id of the wrong side, not UTF-8: counts as misbehaviour */
};

/* What the host gives. Valid from start() until stop() has returned. */
typedef struct jackfield_host {
  uint32_t size; /* sizeof this structure as the host knows it */
  uint32_t abi;  /* JACKFIELD_ABI of the host                  */
  void *ctx;     /* hand it back in every call                 */
  /* [any thread; also inside recv] Queues one message and returns at once. */
  int32_t (*send)(void *ctx, uint32_t kind, uint64_t id, const uint8_t *bytes, size_t length);
} jackfield_host;

/* What the plugin gives. start, recv and stop never overlap, though not always on one thread. */
typedef struct jackfield_plugin {
  uint32_t size;  /* sizeof this structure as the plugin knows it */
  uint32_t abi;   /* JACKFIELD_ABI the plugin was built with      */
  const char *id; /* as in its manifest                           */
  /* [once, first] Returns the plugin's own state, or NULL: refused (say why by a LOG message before).
   * config is the JSON object {version, services, settings, limits}. The plugin sends HELLO from here. */
  void *(*start)(const jackfield_host *host, const uint8_t *config, size_t length);
  /* [after start, before stop] Takes one message; returns within 100 ms, 0 for taken. Long work belongs to
   * a thread of the plugin's own. */
  int32_t (*recv)(void *self, uint32_t kind, uint64_t id, const uint8_t *bytes, size_t length);
  /* [once, last] Finishes or refuses what is open, joins the plugin's own threads, sends nothing afterwards.
   * The process is ended after deadline_ms in any case. */
  void (*stop)(void *self, uint32_t deadline_ms);
} jackfield_plugin;

/* The only exported symbol. */
extern const jackfield_plugin jackfield_plugin_v1;

#ifdef __cplusplus
}
#endif

#endif
