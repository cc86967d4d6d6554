using System.Security.Cryptography;
using GemmaScope.Files;

namespace GemmaScope.Activations;

/// <summary>Checksums of files of stores, models and tokenizers.</summary>
internal static class StoreChecks
{
    private const int BlockBytes = 1 << 20;

    /// <summary>Length and checksum of a file of a store, read whole.</summary>
    /// <exception cref="FileFormatException">The file is missing or cannot be read.</exception>
    public static StoreShard Describe(string store, string name, CancellationToken cancellationToken)
    {
        var path = Path.Combine(store, name);
        FileChecks.LengthOf(path);
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            var block = GC.AllocateUninitializedArray<byte>(BlockBytes);
            var (bytes, checksum) = (0L, 0u);
            for (int count; (count = file.Read(block)) > 0; bytes += count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                checksum = Crc32.Append(checksum, block.AsSpan(0, count));
            }
            return new(name, bytes, checksum, 0);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(path, problem);
        }
    }

    /// <summary>SHA-256 of files, one after another.</summary>
    public static string Hash(IEnumerable<string> files, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = GC.AllocateUninitializedArray<byte>(BlockBytes);
        foreach (var path in files)
        {
            try
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
                for (int count; (count = file.Read(block)) > 0; )
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    hash.AppendData(block, 0, count);
                }
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                throw FileChecks.Unreadable(path, problem);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
