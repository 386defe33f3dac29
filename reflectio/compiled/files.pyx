# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""What the system can be told about a file, and Python has no name for."""

cdef extern from *:
    """
    #if defined(__linux__)
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <fcntl.h>
    #include <sys/vfs.h>
    #endif

    static int reflectio_reserve(int descriptor, long long start, long long nbytes)
    {
    #if defined(__linux__) && defined(FALLOC_FL_KEEP_SIZE)
        struct statfs about;
        return fstatfs(descriptor, &about) == 0 && about.f_type == 0xEF53
            && fallocate(descriptor, FALLOC_FL_KEEP_SIZE, start, nbytes) == 0;
    #else
        return 0;
    #endif
    }
    """
    bint reflectio_reserve(int descriptor, long long start, long long nbytes) nogil


def reserve(int descriptor, long long start, long long nbytes):
    """
    Ask for room on the disk, where to have it in one piece makes writing faster.

    That is ext4, which otherwise sees to every block of 4 kB as it is written: it takes a third more time. Others see
    to many at once, or would have to give up something for it, such as compression. The file's size stays as it is.

    Parameters
    ----------
    descriptor : int
        The open file.
    start, nbytes : int
        What will be written.

    Returns
    -------
    bool
        Whether there is room now. If not, writing will tell why.
    """
    cdef bint reserved
    with nogil:
        reserved = reflectio_reserve(descriptor, start, nbytes)
    return reserved
