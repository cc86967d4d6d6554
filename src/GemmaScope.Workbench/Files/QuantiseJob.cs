using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="QuantiseJob"/> does.</summary>
public sealed record QuantiseJobOptions
{
    /// <summary>A model with safetensors weights: a folder, a demo model, or a reference to the hub.</summary>
    public required string Model { get; init; }

    /// <summary>The folder to make; null for one in the current folder, called as the model with the bits behind it.</summary>
    public string? Target { get; init; }

    /// <summary>The bits of a number.</summary>
    public required LightWeights Weights { get; init; }
}

/// <summary>A model in its light form.</summary>
/// <param name="Model">The model it was made from.</param>
/// <param name="Target">The folder that was written.</param>
/// <param name="Weights">int8 or int4.</param>
/// <param name="BlockType">The block type of the matrices.</param>
/// <param name="Matrices">Matrices that were quantised.</param>
/// <param name="Kept">Matrices of layers that were kept as they are, because their rows are no whole blocks.</param>
/// <param name="BytesBefore">Bytes of the weights it was made from.</param>
/// <param name="Bytes">Bytes of its own weights.</param>
/// <param name="Error">Root of the mean square error of the quantised weights, relative to that of the weights themselves.</param>
public sealed record QuantiseResult(
    string Model,
    string Target,
    string Weights,
    string BlockType,
    int Matrices,
    int Kept,
    long BytesBefore,
    long Bytes,
    double Error
);

/// <summary>Writes the light form of a model, whose matrices have 8 or 4 bits a weight.</summary>
public static class QuantiseJob
{
    /// <summary>Finds the model, downloads it where needed, and writes its light form.</summary>
    /// <param name="options">Which, whereto and how.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops it; nothing is left behind.</param>
    /// <exception cref="GemmaScopeException">It cannot be found, read or written, or is quantised already.</exception>
    public static async Task<QuantiseResult> RunAsync(
        QuantiseJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var source = await Locator.ModelAsync(options.Model, progress, cancellationToken).ConfigureAwait(false);
        var bits = options.Weights == LightWeights.Int8 ? "int8" : "int4";
        var target = options.Target ?? $"{options.Model.TrimEnd('/', '\\').Split('/', '\\')[^1].Split('@')[0]}-{bits}";
        var written = progress is null ? null : new Written(progress);
        var result = await Task.Run(() => LightModel.Write(source, target, options.Weights, written, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        if (result.Kept > 0)
            progress.Note($"{result.Kept} matrices were kept as they are, because their rows are no whole blocks of 32 values");
        return new(
            options.Model,
            target,
            bits,
            $"{result.Type}",
            result.Matrices,
            result.Kept,
            result.BytesBefore,
            result.Bytes,
            result.Error
        );
    }

    private sealed class Written(IProgress<JobReport> progress) : IProgress<(long Done, long Total)>
    {
        public void Report((long Done, long Total) value) => progress.Report(new JobStage("quantising", value.Done, value.Total, "bytes"));
    }
}
