using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="ConvertJob"/> does.</summary>
public sealed record ConvertJobOptions
{
    /// <summary>A dictionary: a file, a folder, a name in the catalogue, or a reference on the hub.</summary>
    public required string Source { get; init; }

    /// <summary>The folder to write.</summary>
    public required string Target { get; init; }

    /// <summary>The form to write.</summary>
    public required DictionaryForm Form { get; init; }

    /// <summary>Where it is read, if its path and files do not say it.</summary>
    public SiteChoice Reads { get; init; }

    /// <summary>Whether decoder vectors become unit vectors; their norms go into the activations.</summary>
    public bool FoldDecoderNorm { get; init; }

    /// <summary>Type of the matrices: F32 or BF16.</summary>
    public DType Type { get; init; } = DType.F32;

    /// <summary>Whether a dictionary of the same form in the folder is replaced.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>A dictionary in another form.</summary>
/// <param name="Source">The name of the one that was read.</param>
/// <param name="From">Whose form it had.</param>
/// <param name="Target">The folder that was written.</param>
/// <param name="To">Whose form it has now.</param>
/// <param name="Kind">What it reads and writes.</param>
/// <param name="Features">Its features.</param>
/// <param name="Reads">The sites it reads; empty where its form does not say it.</param>
public sealed record ConvertResult(
    string Source,
    string From,
    string Target,
    string To,
    string Kind,
    int Features,
    IReadOnlyList<string> Reads
);

/// <summary>Writes a dictionary in another form. What a form cannot express is refused, with the reason.</summary>
public static class ConvertJob
{
    private const string FolderWithSite = "resid_post/layer_20/width_16k/average_l0_71";

    /// <summary>Finds the dictionary, downloads it where needed, writes it and reads it again.</summary>
    /// <param name="options">Which, whereto and how.</param>
    /// <param name="progress">Told how far it is, and what the form cannot hold.</param>
    /// <param name="cancellationToken">Stops it; the target is then as before.</param>
    /// <exception cref="GemmaScopeException">It cannot be found, read, expressed or written.</exception>
    public static async Task<ConvertResult> RunAsync(
        ConvertJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var found = await Locator.DictionaryAsync(options.Source, progress, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Convert(found, options, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private static ConvertResult Convert(
        string found,
        ConvertJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        using var source = DictionaryFit.Load(found, options.Reads, cancellationToken);
        progress.Stage("writing");
        var how = new DictionaryWriteOptions
        {
            FoldDecoderNorm = options.FoldDecoderNorm,
            Type = options.Type,
            Overwrite = options.Overwrite,
        };
        DictionaryWriter.Write(source, options.Target, options.Form, how, cancellationToken);
        using var written = SparseDictionary.Load(options.Target, cancellationToken: cancellationToken);
        if (source.HasSites && !written.HasSites)
            progress.Note(
                "this form has no place for the site",
                new Remedy($"use it with {new Setting("Site", $"{source.InputSite}")}, or write it into a folder such as {FolderWithSite}")
            );
        return new(
            source.Name,
            source.Family,
            options.Target,
            written.Family,
            $"{written.Kind}",
            written.Width,
            written.HasSites ? [.. written.InputSites.Select(site => site.ToString())] : []
        );
    }
}
