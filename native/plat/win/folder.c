#include "folder.h"

bool ea_each_child(const wchar_t *path, unsigned depth, ea_child_fn *fn, void *ctx)
{
    size_t n = wcslen(path);
    EA_FREE_AUTO wchar_t *child = ea_alloc_array(n + 2 + MAX_PATH, sizeof(*child));
    WIN32_FIND_DATAW found;
    DWORD number;
    bool go_on = true;
    HANDLE h;

    wmemcpy(child, path, n);
    wmemcpy(child + n, L"\\*", 3);
    h = FindFirstFileW(child, &found);
    if (h == INVALID_HANDLE_VALUE)
        return false;
    do {
        if (wcscmp(found.cFileName, L".") == 0 || wcscmp(found.cFileName, L"..") == 0)
            continue;
        wmemcpy(child + n + 1, found.cFileName, wcslen(found.cFileName) + 1);
        go_on = fn(child, found.dwFileAttributes, depth - 1, ctx);
    } while (go_on && FindNextFileW(h, &found));
    number = GetLastError();
    (void)FindClose(h); /* only read */
    if (go_on && number != ERROR_NO_MORE_FILES) {
        SetLastError(number);
        go_on = false;
    }
    return go_on;
}
