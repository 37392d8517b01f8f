/* SPDX-License-Identifier: MIT */
/*
 * Prints what happens to a disk, whoever does it, in a main loop of GLib until SIGINT:
 *
 *   glib-loop rbd:rbd/disk
 */
#include <errno.h>
#include <glib-unix.h>

#include <vdisk/vdisk.h>

struct monitor {
    GMainLoop *loop;
    struct vdisk_queue *queue;
    struct vdisk *disk;
    struct vdisk_error err;
};

static void print_events(const struct vdisk *disk, uint64_t events)
{
    if (events == 0 || (events & VDISK_EVENT_RESIZED)) /* 0: it was opened. */
        g_print("The size is %" G_GUINT64_FORMAT " bytes.\n", vdisk_get_size(disk));
    if (events & VDISK_EVENT_SNAPSHOTS)
        g_print("The snapshots have changed.\n");
    if (events & VDISK_EVENT_FENCED)
        g_print("The cluster has fenced this client.\n");
}

static gboolean on_readable(gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    struct monitor *monitor = data;
    struct vdisk_completion done[16];
    int n = vdisk_queue_reap(monitor->queue, done, 16);
    for (int i = 0; i < n && monitor->err.code == 0; i++) {
        if (done[i].result < 0)
            vdisk_queue_error(monitor->queue, &done[i], &monitor->err);
        else if (done[i].user_data == &monitor->disk)
            vdisk_aio_watch(monitor->queue, monitor->disk, 0, monitor, &monitor->err);
        if (monitor->err.code == 0)
            print_events(monitor->disk, done[i].value);
    }
    if (monitor->err.code < 0)
        g_main_loop_quit(monitor->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_signal(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    struct monitor monitor = {.err = {-EINVAL, "Usage: glib-loop URI."}};
    struct vdisk_completion done;
    struct vdisk_uri *uri = NULL;
    if (argc == 2 && vdisk_uri_parse(&uri, argv[1], &monitor.err) == 0 &&
        vdisk_queue_create(&monitor.queue, NULL, &monitor.err) == 0 &&
        vdisk_aio_open(monitor.queue, &monitor.disk, uri, NULL, 0, &monitor.disk, &monitor.err) == 0) {
        monitor.loop = g_main_loop_new(NULL, FALSE);
        guint sources[] = {g_unix_signal_add(SIGINT, on_signal, monitor.loop),
                           g_unix_fd_add(vdisk_queue_get_fd(monitor.queue), G_IO_IN, on_readable, &monitor)};
        g_main_loop_run(monitor.loop);
        g_source_remove(sources[0]);
        g_source_remove(sources[1]);
        g_main_loop_unref(monitor.loop);
    }
    vdisk_queue_cancel(monitor.queue, &monitor.disk); /* the opening, if it has not ended */
    vdisk_queue_cancel(monitor.queue, &monitor);      /* the watch */
    while (vdisk_queue_wait(monitor.queue, &done, 1, 1, -1) > 0)
        continue;
    if (monitor.disk)
        vdisk_close(monitor.disk, monitor.err.code == 0 ? &monitor.err : NULL);
    vdisk_queue_destroy(monitor.queue);
    vdisk_uri_free(uri);
    if (monitor.err.code < 0)
        g_printerr("glib-loop: %s\n", monitor.err.message);
    return monitor.err.code < 0;
}
