using System.Globalization;
using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Numerics;

namespace GemmaScope.Workbench;

/// <summary>An unfinished fit beside the file that it is to become: the sums so far, and what they are sums of.</summary>
/// <param name="file">The file.</param>
/// <param name="settings">What the fit is: another one's checkpoint is refused.</param>
internal sealed class LensCheckpoint(string file, IReadOnlyDictionary<string, string> settings)
{
    private const string Prefix = "fit.";

    /// <summary>Takes up what is there; returns the number of the next window.</summary>
    /// <exception cref="GemmaScopeException">It is damaged, or of another fit.</exception>
    public int Restore(JacobianFit fit)
    {
        if (!File.Exists(file))
            return 0;
        using var saved = SafetensorsFile.Open(file);
        foreach (var (key, value) in settings)
            if (saved.Metadata.GetValueOrDefault(Prefix + key) is var found && found != value)
                throw new ArgumentProblemException(
                    $"holds an unfinished fit that differs in {key.Replace('_', ' ')}",
                    file,
                    remedy: new Remedy($"name another file, or begin anew with {new Setting(nameof(LensFitJobOptions.Restart))}")
                );
        var sums = new Dictionary<int, Tensor>();
        foreach (var (layer, own) in fit.ToSums())
        {
            var sum = saved[$"sum.{layer}"];
            if (sum.Type != DType.F32 || !sum.Shape.SequenceEqual(own.Shape))
                throw new FileFormatException($"sum.{layer} has another shape than the fit", file);
            sums[layer] = sum;
        }
        fit.Restore(sums, Number("prompts"), Number("skipped"), Number("positions"));
        return Number("next");

        int Number(string key) =>
            int.TryParse(saved.Metadata.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new FileFormatException($"'{key}' is missing; begin anew", file);
    }

    /// <summary>Writes it, over an older one.</summary>
    public void Save(JacobianFit fit, int next)
    {
        var metadata = settings.ToDictionary(one => Prefix + one.Key, one => one.Value);
        foreach (
            var (key, value) in ((string, long)[])
                [("prompts", fit.Prompts), ("skipped", fit.Skipped), ("positions", fit.Positions), ("next", next)]
        )
            metadata[key] = value.ToString(CultureInfo.InvariantCulture);
        SafetensorsWriter.Write(
            file,
            fit.ToSums().Select(one => KeyValuePair.Create($"sum.{one.Key}", one.Value)),
            metadata,
            overwrite: true
        );
    }

    /// <summary>The fit is done, or begun anew.</summary>
    public void Delete() => File.Delete(file);
}
