namespace GemmaScope.Activations;

/// <summary>Whether activations belong together, and if not, in what they differ.</summary>
internal static class ManifestComparison
{
    /// <summary>The first thing in which two contents differ, in a word or two, or null.</summary>
    public static string? Difference(StoreContents one, StoreContents other) =>
        one.ModelHash != other.ModelHash ? $"model ({one.Model} and {other.Model} have different weights or configurations)"
        : one.TokenizerHash != other.TokenizerHash ? "tokenizer"
        : one.Arithmetic != other.Arithmetic ? "arithmetic"
        : one.Type != other.Type ? "dtype"
        : !one.Sites.SequenceEqual(other.Sites) ? "list of sites"
        : null;

    /// <summary>The first thing in which two harvests differ, in a word or two, or null. Where the text was read from does not matter, only
    /// what it is.</summary>
    public static string? Difference(HarvestDescription one, HarvestDescription other) =>
        one.TextHash != other.TextHash ? "text, context or number of tokens"
        : one.WindowsPerRun != other.WindowsPerRun ? "number of windows per run"
        : one.BucketRows != other.BucketRows ? "bucket size"
        : one.Seed != other.Seed ? "seed"
        : one.Parts != other.Parts ? "number of parts"
        : null;
}
