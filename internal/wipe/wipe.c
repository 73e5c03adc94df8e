#include "wipe.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

/* SQLite's public interface, which stays as it is in all of SQLite 3
** (sqlite.org/c3ref), as far as it is used here. The driver's header cannot be
** included from another package. */
typedef struct sqlite3_file sqlite3_file;
typedef struct sqlite3_vfs sqlite3_vfs;
typedef int64_t sqlite3_int64;

typedef struct {
  int version;
  int (*close)(sqlite3_file *);
  int (*read)(sqlite3_file *, void *, int, sqlite3_int64);
  int (*write)(sqlite3_file *, const void *, int, sqlite3_int64);
  void *others[15]; /* up to the end of version 3 */
} methods;

struct sqlite3_file {
  const methods *methods;
};

struct sqlite3_vfs {
  int version;
  int file_size;
  int longest_path;
  sqlite3_vfs *next;
  const char *name;
  void *data;
  int (*open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
  void *others[15]; /* up to the end of version 3 */
};

/* The driver brings them. They are weak, because cgo links this package once
** without the driver. */
extern sqlite3_vfs *sqlite3_vfs_find(const char *) __attribute__((weak));
extern int sqlite3_vfs_register(sqlite3_vfs *, int) __attribute__((weak));

enum { OK = 0, ERROR = 1, CANTOPEN = 14, MAIN_DB = 0x100, KNOWN_VERSION = 3, LARGEST_PAGE = 65536 };

static sqlite3_vfs base, wiping;

/* What SQLite does with a database's file, and the same but for write. All
** files have the same methods; they are known from the first one on. */
static pthread_mutex_t first_open = PTHREAD_MUTEX_INITIALIZER;
static const methods *base_methods;
static methods wiping_methods;

static int two(const unsigned char *p) { return p[0] << 8 | p[1]; }

/* gap finds what lies between a page's directory of cells and its cells. SQLite
** keeps nothing there, but leaves there what it has moved elsewhere. It returns
** 0 where there is none, and for pages that are not part of a tree: they begin
** with a page's number or with zeros, so that in a file below 128 GB the first
** byte tells them apart; in larger ones the other checks do. The format:
** sqlite.org/fileformat2.html, "B-tree Pages". */
static int gap(const unsigned char *page, int size, int first, int *from, int *to) {
  const unsigned char *header = page + (first ? 100 : 0);
  const unsigned char *cells;
  int i, n = two(header + 3), block = two(header + 1);
  switch (header[0]) {
  case 2: case 5: cells = header + 12; break;  /* inner pages */
  case 10: case 13: cells = header + 8; break; /* leaves */
  default: return 0;
  }
  *from = (int)(cells - page) + 2 * n;
  *to = two(header + 5);
  if (*to == 0) *to = LARGEST_PAGE;
  if (*from >= *to || *to > size || header[7] > 60) return 0;
  if (block != 0 && (block < *to || block > size - 4)) return 0;
  for (i = 0; i < n; i++)
    if (two(cells + 2 * i) < *to || two(cells + 2 * i) > size - 3) return 0;
  return 1;
}

static int write_wiped(sqlite3_file *f, const void *data, int n, sqlite3_int64 offset) {
  unsigned char page[LARGEST_PAGE];
  int from, to;
  int whole = n >= 512 && n <= LARGEST_PAGE && (n & (n - 1)) == 0 && offset % n == 0;
  if (!whole || !gap(data, n, offset == 0, &from, &to))
    return base_methods->write(f, data, n, offset);
  memcpy(page, data, n);
  memset(page + from, 0, to - from);
  return base_methods->write(f, page, n, offset);
}

static void learn(const methods *m) {
  pthread_mutex_lock(&first_open);
  if (!base_methods) {
    base_methods = m;
    wiping_methods = *m;
    wiping_methods.write = write_wiped;
    if (m->version > KNOWN_VERSION) wiping_methods.version = KNOWN_VERSION;
  }
  pthread_mutex_unlock(&first_open);
}

static int open_wiping(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out) {
  int rc = base.open(vfs, name, f, flags, out);
  if (rc != OK || !(flags & MAIN_DB)) return rc;
  learn(f->methods);
  if (f->methods != base_methods) {
    f->methods->close(f);
    f->methods = 0;
    return CANTOPEN;
  }
  f->methods = &wiping_methods;
  return OK;
}

int wipe_register(const char *name) {
  sqlite3_vfs *vfs;
  if (!sqlite3_vfs_find || !sqlite3_vfs_register) return ERROR;
  vfs = sqlite3_vfs_find(0);
  if (!vfs) return ERROR;
  base = wiping = *vfs;
  wiping.name = name;
  wiping.open = open_wiping;
  if (vfs->version > KNOWN_VERSION) wiping.version = KNOWN_VERSION;
  return sqlite3_vfs_register(&wiping, 0);
}
