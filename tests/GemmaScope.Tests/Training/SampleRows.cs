using GemmaScope.Activations;
using GemmaScope.Models;

namespace GemmaScope.Tests.Training;

/// <summary>An endless stream of rows that are sparse sums of a few directions, made anew from their numbers, so that any place can be
/// returned to.</summary>
internal sealed class SampleRows(params Site[] sites) : IActivationSource
{
    public const int Dimensions = 16;

    private const int Directions = 24,
        Active = 3;

    /// <summary>Rows from here on have a number that is not finite.</summary>
    public long BrokenAt { get; init; } = -1;

    /// <summary>Scale of all rows.</summary>
    public float Factor { get; init; } = 3;

    public IReadOnlyList<Site> Sites => sites;

    public long Position { get; private set; }

    public int Width(Site site) => Dimensions;

    public double Scale(Site site) => Factor * Math.Sqrt(Active * Dimensions / 3.0);

    public void Seek(long position) => Position = position;

    public void Read(ActivationBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        for (var row = 0; row < batch.Rows; row++, Position++)
        for (var site = 0; site < sites.Length; site++)
        {
            var values = batch[site].Row(row);
            Fill(values, new Random(HashCode.Of((int)Position)), site);
            if (Position == BrokenAt)
                values[0] = float.NaN;
        }
    }

    public void Dispose() { }

    // Which directions are active is the same at all sites: one can be predicted from another.
    private void Fill(Span<float> values, Random random, int site)
    {
        values.Clear();
        for (var k = 0; k < Active; k++)
        {
            var (direction, strength) = (new Random(1000 * site + random.Next(Directions)), Factor * (0.5f + random.NextSingle()));
            foreach (ref var value in values)
                value += strength * (2 * direction.NextSingle() - 1);
        }
    }

    private static class HashCode
    {
        // Seeds that follow each other give similar first numbers; this spreads them.
        public static int Of(int number) => unchecked(number * (int)2654435761);
    }
}
