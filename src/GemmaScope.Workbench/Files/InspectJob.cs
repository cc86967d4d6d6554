using System.Text.Json.Serialization;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="InspectJob"/> does.</summary>
public sealed record InspectJobOptions
{
    /// <summary>A file or folder, here or on the hub.</summary>
    public required string Path { get; init; }

    /// <summary>Whether all values are read and summed up.</summary>
    public bool Statistics { get; init; }
}

/// <summary>A tensor of a file. What its values are like is null where nobody asked, and left out of the JSON.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Dtype">Element type.</param>
/// <param name="Shape">Dimensions, outermost first.</param>
/// <param name="Bytes">Bytes, uncompressed.</param>
/// <param name="File">The file it lies in.</param>
/// <param name="Min">Smallest finite value; NaN where there is none.</param>
/// <param name="Max">Largest finite value; NaN where there is none.</param>
/// <param name="Mean">Mean of the finite values; NaN where there is none.</param>
/// <param name="Nan">Number of NaNs.</param>
/// <param name="Infinite">Number of infinities.</param>
public sealed record InspectedTensor(
    string Name,
    string Dtype,
    IReadOnlyList<long> Shape,
    long Bytes,
    string File,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Min,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Max,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Mean,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Nan,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Infinite
);

/// <summary>What is in a file or folder: a folder has parts, a file has tensors.</summary>
public sealed class InspectResult
{
    /// <summary>The form of a report in which it is passed on.</summary>
    public InspectResult(FileReport report)
    {
        Report = report;
        Metadata = new Dictionary<string, string>();
        // Nested settings may have the name of one that has a dot in it.
        foreach (var (name, value) in report.Metadata)
            Metadata[name] = value;
        if (report.Parts.Count > 0)
            Parts = [.. report.Parts.Select(part => new InspectResult(part))];
        else
            Tensors =
            [
                .. report.Tensors.Select(tensor => new InspectedTensor(
                    tensor.Name,
                    $"{tensor.Type}",
                    tensor.Shape,
                    tensor.Bytes,
                    tensor.File,
                    tensor.Statistics?.Minimum,
                    tensor.Statistics?.Maximum,
                    tensor.Statistics?.Mean,
                    tensor.Statistics?.NaNs,
                    tensor.Statistics?.Infinities
                )),
            ];
    }

    /// <summary>The report it is made of.</summary>
    [JsonIgnore]
    public FileReport Report { get; }

    /// <summary>The file or folder.</summary>
    public string Path => Report.Path;

    /// <summary>What it is.</summary>
    public string Kind =>
        Report.Kind switch
        {
            FileKind.ShardIndex => "index of safetensors shards",
            FileKind.Json => "JSON",
            var kind => kind.ToString().ToLowerInvariant(),
        };

    /// <summary>Bytes on disk.</summary>
    public long Bytes => Report.Bytes;

    /// <summary>Why a file of a folder could not be read, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Problem => Report.Problem;

    /// <summary>Its strings and settings; names of nested settings are joined by dots.</summary>
    public IDictionary<string, string> Metadata { get; }

    /// <summary>The files of a folder; null of a file.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<InspectResult>? Parts { get; }

    /// <summary>The tensors of a file; null of a folder.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<InspectedTensor>? Tensors { get; }
}

/// <summary>Says what is in a file of the field.</summary>
public static class InspectJob
{
    /// <summary>Finds a file or folder, downloads it where needed, and looks into it.</summary>
    /// <param name="options">Which.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="GemmaScopeException">It cannot be found or read, or is of no known kind.</exception>
    public static async Task<InspectResult> RunAsync(
        InspectJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var path = await Locator.FileOrFolderAsync(options.Path, progress, cancellationToken).ConfigureAwait(false);
        progress.Stage("reading");
        return await Task.Run(
                () => new InspectResult(FileInspector.Inspect(path, options.Statistics, cancellationToken)),
                cancellationToken
            )
            .ConfigureAwait(false);
    }
}
