using System.Globalization;

namespace GemmaScope.Numerics;

/// <summary>How much memory this process may still take without pushing others out.</summary>
internal static class FreeMemory
{
    private const string Controls = "/sys/fs/cgroup";

    /// <summary>Bytes that are free for this process: what the system says, less where its control group (a container, a service) may not
    /// have so much. Files that the system keeps in memory count as free.</summary>
    public static long Bytes()
    {
        var most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return Math.Min(Math.Min(most, OfSystem() ?? most), OfGroups(Controls, Read("/proc/self/cgroup") ?? "") ?? most);
    }

    /// <summary>The kernel's own estimate; other systems have no such file.</summary>
    private static long? OfSystem() =>
        Read("/proc/meminfo") is { } text && Field(text, "MemAvailable:") is { } kilobytes ? kilobytes * 1024 : null;

    /// <summary>The least that a control group of this process, or one around it, has left (version 2 of the kernel's interface).</summary>
    /// <param name="root">Where the groups are.</param>
    /// <param name="membership">What the kernel says of the process's groups: a line <c>0::/path</c>.</param>
    internal static long? OfGroups(string root, string membership)
    {
        var line = membership.Split('\n').FirstOrDefault(one => one.StartsWith("0::/", StringComparison.Ordinal));
        if (line is null)
            return null;
        long? least = null;
        // In a container the path may be one of the host, which is not there; the container's own group is then the root.
        for (var path = line[4..].Trim(); ; path = Path.GetDirectoryName(path) ?? "")
        {
            if (OfGroup(Path.Combine(root, path)) is { } left)
                least = Math.Min(least ?? left, left);
            if (path.Length == 0)
                return least;
        }
    }

    private static long? OfGroup(string folder)
    {
        if (
            Number(Read(Path.Combine(folder, "memory.max"))) is not { } most
            || Number(Read(Path.Combine(folder, "memory.current"))) is not { } now
        )
            return null;
        var files = Read(Path.Combine(folder, "memory.stat")) is { } stat ? Field(stat, "file ") ?? 0 : 0;
        return Math.Max(0, most - now + files);
    }

    /// <summary>The number behind the first line that begins with a word.</summary>
    private static long? Field(string text, string word) =>
        text.Split('\n').FirstOrDefault(line => line.StartsWith(word, StringComparison.Ordinal)) is { } found
            ? Number(found[word.Length..].Replace("kB", "", StringComparison.Ordinal))
            : null;

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.Integer | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    private static string? Read(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
