using System.Diagnostics;

namespace GemmaScope.Tests.Cli;

/// <summary>Kills a process in the middle of its work.</summary>
internal static class Killing
{
    // An event may be lost where a folder is made and written into at once.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);

    /// <summary>Starts a process and kills it as soon as its files say that it has come so far. They are looked at when one of them changes.
    /// Where it was done before anybody looked, as on a busy machine, all begins anew.</summary>
    /// <param name="folder">Where it writes; emptied before.</param>
    /// <param name="start">Starts it.</param>
    /// <param name="hasComeSoFar">Whether it has begun to write.</param>
    /// <param name="isDone">Whether it has written all.</param>
    public static void InTheMiddle(string folder, Func<Process> start, Func<bool> hasComeSoFar, Func<bool> isDone)
    {
        do
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            using var changed = new AutoResetEvent(initialState: false);
            using var watcher = new FileSystemWatcher(Directory.CreateDirectory(folder).FullName);
            watcher.Created += (_, _) => changed.Set();
            watcher.Renamed += (_, _) => changed.Set();
            watcher.EnableRaisingEvents = true;
            using var process = start();
            while (!process.HasExited && !hasComeSoFar())
                changed.WaitOne(BetweenLooks);
            process.Kill();
            process.WaitForExit();
        } while (isDone());
    }
}
