/* SPDX-License-Identifier: MIT */
#include "node/soft.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "node/node.h"

#define LIBRARY "libdrumfire-gpu.so"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct df_soft_ops *loaded; /* lock */

/* Beside the file that this code is in: libdrumfire.so, or the program that holds the static library. */
static void *open_beside(void)
{
	char path[PATH_MAX];
	const char *slash;
	Dl_info info;
	int length;

	if (!dladdr(&lock, &info) || !info.dli_fname)
		return NULL;
	slash = strrchr(info.dli_fname, '/');
	if (!slash)
		return NULL;
	length = snprintf(path, sizeof(path), "%.*s/" LIBRARY, (int)(slash - info.dli_fname), info.dli_fname);
	if (length < 0 || (size_t)length >= sizeof(path))
		return NULL;
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static void *open_library(void)
{
	const char *path = secure_getenv("DRUMFIRE_GPU_LIB");
	void *handle;

	if (path && path[0])
		return dlopen(path, RTLD_NOW | RTLD_LOCAL);
	handle = open_beside();
	/* The loader's own search: the rpath, then the system's folders. Its message is the one that is shown. */
	return handle ? handle : dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
}

static int load(const struct df_soft_ops **ops_out)
{
	const struct df_soft_ops *ops;
	const char *why;
	void *handle;

	handle = open_library();
	if (!handle) {
		why = dlerror();
		return df_error_set(-ENOENT,
				    "the software GPU cannot be loaded: %s. Fix: install " LIBRARY
				    " beside libdrumfire.so, or set DRUMFIRE_GPU_LIB to its path",
				    why ? why : "unknown cause");
	}
	ops = dlsym(handle, "df_soft_ops");
	if (!ops || ops->version != DF_SOFT_OPS_VERSION) {
		dlclose(handle);
		return df_error_set(-ENOEXEC,
				    LIBRARY " is not of this version (it %s). Fix: install both libraries "
					    "from the same build",
				    ops ? "speaks another interface" : "has no symbol df_soft_ops");
	}
	*ops_out = ops;
	return 0;
}

int df_soft_load(const struct df_soft_ops **ops_out)
{
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (!loaded)
		ret = load(&loaded);
	*ops_out = loaded;
	pthread_mutex_unlock(&lock);
	return ret;
}

void df_soft_use(const struct df_soft_ops *ops)
{
	pthread_mutex_lock(&lock);
	loaded = ops;
	pthread_mutex_unlock(&lock);
}
