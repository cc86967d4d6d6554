using System.Collections.Concurrent;
using System.IO.Compression;

namespace GemmaScope.Files;

/// <summary>A way in which any file of text may be packed.</summary>
/// <param name="Name">What it is called: gzip.</param>
/// <param name="Ending">What is added to a name, with the dot.</param>
/// <param name="Signature">The bytes that such files begin with.</param>
/// <param name="Unpack">The unpacked stream of a packed one, which it owns.</param>
public sealed record Packing(string Name, string Ending, ReadOnlyMemory<byte> Signature, Func<Stream, Stream> Unpack);

/// <summary>
/// The packings that <see cref="TextFile"/> opens. The library knows gzip; who brings another package registers what it unpacks once, as
/// the workbench does with Zstandard.
/// </summary>
public static class Packings
{
    /// <summary>Zstandard, which is known by name before anybody reads it.</summary>
    public static ReadOnlyMemory<byte> ZstandardSignature { get; } = new byte[] { 0x28, 0xB5, 0x2F, 0xFD };

    /// <summary>Files that are recognised to say what they are, because nobody unpacks them here.</summary>
    private static readonly (byte[] Signature, string Name)[] Others =
    [
        ("PK\u0003\u0004"u8.ToArray(), "zip"),
        ("BZh"u8.ToArray(), "bzip2"),
        ([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], "xz"),
        ([(byte)'7', (byte)'z', 0xBC, 0xAF], "7z"),
        ([0x04, 0x22, 0x4D, 0x18], "lz4"),
        (ZstandardSignature.ToArray(), "Zstandard"),
    ];

    private static readonly ConcurrentDictionary<string, Packing> Known = new(StringComparer.OrdinalIgnoreCase);

    static Packings() =>
        Register(new Packing("gzip", ".gz", new byte[] { 0x1F, 0x8B }, packed => new GZipStream(packed, CompressionMode.Decompress)));

    /// <summary>The endings of packed files.</summary>
    public static IReadOnlyList<string> Endings => [.. Known.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds a packing; one of the same ending is replaced.</summary>
    public static void Register(Packing packing) => Known[packing.Ending] = packing;

    /// <summary>A name without the ending of a packing.</summary>
    internal static string NameWithin(string file) => OfName(file) is { } packing ? file[..^packing.Ending.Length] : file;

    /// <summary>The packing that a name tells, or null.</summary>
    internal static Packing? OfName(string file) => Known.GetValueOrDefault(Path.GetExtension(file));

    /// <summary>The packing that the first bytes of a file tell, or null.</summary>
    internal static Packing? OfContent(ReadOnlySpan<byte> head)
    {
        foreach (var packing in Known.Values)
            if (head.StartsWith(packing.Signature.Span))
                return packing;
        return null;
    }

    /// <summary>What a file is packed with that is not unpacked here, or null.</summary>
    internal static string? OtherOf(ReadOnlySpan<byte> head)
    {
        foreach (var (signature, name) in Others)
            if (head.StartsWith(signature))
                return name;
        return null;
    }
}
