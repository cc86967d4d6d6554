using System.Diagnostics;

namespace GemmaScope.Tests.Cli;

/// <summary>Kills a process in the middle of its work.</summary>
internal static class Killing
{
    // An event may be lost where a folder is made and written into at once.
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);

    /// <summary>Kills it as soon as its files say that it has come so far. They are looked at when one of them changes.</summary>
    public static void When(Process process, string folder, Func<bool> hasComeSoFar)
    {
        using var changed = new AutoResetEvent(initialState: false);
        using var watcher = new FileSystemWatcher(Directory.CreateDirectory(folder).FullName);
        watcher.Created += (_, _) => changed.Set();
        watcher.Renamed += (_, _) => changed.Set();
        watcher.EnableRaisingEvents = true;
        while (!process.HasExited && !hasComeSoFar())
            changed.WaitOne(Longest);
        process.Kill();
        process.WaitForExit();
    }
}
