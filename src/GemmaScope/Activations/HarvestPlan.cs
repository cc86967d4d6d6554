using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace GemmaScope.Activations;

/// <summary>
/// What a harvest will write, found by reading the text once before the model runs. So the size is known before anything is written, the
/// last bucket is known to be shorter, and a text that was changed since the harvest began is noticed.
/// </summary>
/// <param name="Harvest">What the harvest is of.</param>
/// <param name="PartRows">Rows of the part asked for.</param>
/// <param name="AllRows">Rows of all parts.</param>
internal sealed record HarvestPlan(HarvestDescription Harvest, long PartRows, long AllRows)
{
    /// <exception cref="ArgumentProblemException">The text has no token that counts.</exception>
    public static HarvestPlan Make(WindowSource text, HarvestOptions options, CancellationToken cancellationToken)
    {
        var perRun = WindowSource.PerRun(text.Context, options.WindowsPerRun);
        long tokens = 0,
            windows = 0,
            part = 0,
            all = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var run in text.Runs(perRun))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var ids in run.Windows)
            {
                hash.AppendData(BitConverter.GetBytes(ids.Length));
                hash.AppendData(MemoryMarshal.AsBytes<int>(ids));
                tokens += ids.Length;
            }
            windows += run.Windows.Length;
            all += run.Rows.Length;
            if (IsOf(run, options))
                part += run.Rows.Length;
        }
        if (all == 0)
            throw new ArgumentProblemException("holds no token that counts", text.Paths.Count > 0 ? string.Join(", ", text.Paths) : "text");
        var harvest = new HarvestDescription
        {
            Text = text.Paths,
            TextHash = Convert.ToHexStringLower(hash.GetHashAndReset()),
            Tokens = tokens,
            Windows = windows,
            Context = text.Context,
            WindowsPerRun = perRun,
            BucketRows = options.BucketRows,
            Seed = options.Seed,
            Parts = options.Parts,
        };
        return new(harvest, part, all);
    }

    /// <summary>Whether a run belongs to the part asked for.</summary>
    public static bool IsOf(WindowRun run, HarvestOptions options) => run.Number % options.Parts == options.Part;

    /// <summary>Buckets of the part.</summary>
    public int Buckets => checked((int)((PartRows + Harvest.BucketRows - 1) / Harvest.BucketRows));

    /// <summary>Rows of a bucket of the part.</summary>
    public int RowsOf(int bucket) => (int)Math.Min(Harvest.BucketRows, PartRows - (long)bucket * Harvest.BucketRows);
}
