using System.Runtime.InteropServices;

namespace GemmaScope.Numerics;

/// <summary>What Linux is told of memory: how it will be used (madvise(2)). Advice is never needed for a result; where it is refused, or on
/// another system, nothing happens.</summary>
internal static unsafe partial class LinuxMemory
{
    private const int ReadWrite = 3,
        PrivateAnonymous = 0x22,
        WillNeed = 3,
        DoNotNeed = 4,
        HugePages = 14;

    private const string HugePageSetting = "/sys/kernel/mm/transparent_hugepage/enabled";

    /// <summary>Whether this is Linux.</summary>
    public static bool IsThere { get; } = OperatingSystem.IsLinux();

    /// <summary>Whether huge pages are given to those who ask; null on other systems, and where it is not told.</summary>
    public static bool? GivesHugePages
    {
        get
        {
            try
            {
                return IsThere && File.Exists(HugePageSetting)
                    ? !File.ReadAllText(HugePageSetting).Contains("[never]", StringComparison.Ordinal)
                    : null;
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    /// <summary>Memory of whole pages that reads as zeros.</summary>
    public static bool TryMap(nuint length, out void* start)
    {
        start = Map(null, length, ReadWrite, PrivateAnonymous, -1, 0);
        return start != (void*)-1;
    }

    public static void Unmap(void* start, nuint length) => _ = UnmapPages(start, length);

    /// <summary>Asks for huge pages behind a block that was not yet touched.</summary>
    public static void AskForHugePages(void* start, long bytes) => Tell(start, bytes, HugePages);

    /// <summary>Starts reading the pages of a mapped file that memory does not hold yet.</summary>
    public static void ReadAhead(void* start, long bytes) => Tell(start, bytes, WillNeed);

    /// <summary>Counts the pages of a mapped file no longer as this process's. They stay valid: who reads them again gets them from the
    /// system's cache, or the file.</summary>
    public static void LetGo(void* start, long bytes) => Tell(start, bytes, DoNotNeed);

    private static void Tell(void* start, long bytes, int advice)
    {
        if (!IsThere || bytes <= 0)
            return;
        var first = (nuint)start & ~(nuint)(Environment.SystemPageSize - 1);
        _ = Advise((void*)first, (nuint)start + (nuint)bytes - first, advice);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int UnmapPages(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
