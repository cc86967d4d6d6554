using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>The forms in which dictionaries are written.</summary>
public enum DictionaryForm
{
    /// <summary>Gemma Scope 1: params.npz; JumpReLU, the site only in the path.</summary>
    Scope1,

    /// <summary>Gemma Scope 2: params.safetensors, or one file a layer, with config.json; JumpReLU.</summary>
    Scope2,

    /// <summary>SAELens 6, which is also our own form: sae_weights.safetensors with cfg.json.</summary>
    SaeLens,
}

/// <summary>Settings of <see cref="DictionaryWriter.Write"/>.</summary>
public sealed record DictionaryWriteOptions
{
    /// <summary>Makes every decoder vector a unit vector; its norm goes into the encoder, the biases and the threshold, and activations
    /// scale with it (METHODS §7).</summary>
    public bool FoldDecoderNorm { get; init; }

    /// <summary>Type of the matrices, F32 or BF16; biases and thresholds are always f32. Default F32.</summary>
    public DType Type { get; init; } = DType.F32;

    /// <summary>Whether a dictionary of the same form in the folder may be replaced. Default false.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>
/// Writes dictionaries. Input scales and, where a form has no place for it, the subtraction of b_dec move into the weights, which changes
/// neither L0 nor reconstruction; what a form cannot express is refused. Weights are written row by row, so memory does not
/// grow with them.
/// </summary>
public static class DictionaryWriter
{
    /// <summary>Writes a dictionary into a folder, under another name until it is whole.</summary>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="folder">The folder, made where there is none. Gemma Scope 1 has no other place for the site than its path.</param>
    /// <param name="form">The form.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <exception cref="GemmaScopeException">The form cannot express the dictionary, the folder holds one already, or cannot be
    /// written.</exception>
    public static void Write(
        SparseDictionary dictionary,
        string folder,
        DictionaryForm form,
        DictionaryWriteOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new();
        Replace(folder, Prepare(dictionary, folder, form, options, cancellationToken), options.Overwrite);
    }

    /// <summary>What writes a dictionary's files into a folder; refuses, before anything is written, what the form cannot
    /// express.</summary>
    /// <exception cref="ArgumentProblemException">The form cannot express the dictionary.</exception>
    internal static Action<string> Prepare(
        SparseDictionary dictionary,
        string folder,
        DictionaryForm form,
        DictionaryWriteOptions options,
        CancellationToken cancellationToken = default
    )
    {
        if (options.Type is not (DType.F32 or DType.BF16))
            throw new ArgumentProblemException($"{options.Type} is not written; F32 and BF16 are", "type");
        if (dictionary.NotWritable is { } reason)
            throw new ArgumentProblemException($"{dictionary.Name} cannot be written: {reason}", $"{form}");
        return (dictionary, form) switch
        {
            (LayerDictionary { HasSites: true, InputSites.Count: > 1 }, _) => throw new ArgumentProblemException(
                $"each feature of {dictionary.Name} reads {dictionary.InputSites.Count} sites at once, for which no form has a place",
                $"{form}"
            ),
            (LayerDictionary one, DictionaryForm.Scope1) => ScopeWriter.One(one, folder, options, cancellationToken),
            (LayerDictionary one, DictionaryForm.Scope2) => ScopeWriter.Two(one, options, cancellationToken),
            (LayerDictionary one, DictionaryForm.SaeLens) => SaeLensWriter.Make(one, options, cancellationToken),
            (MultiLayerDictionary many, DictionaryForm.Scope2) => MultiLayerWriter.Make(many, options, cancellationToken),
            _ => throw new ArgumentProblemException(
                $"{dictionary.Name} is a dictionary of several layers, for which only the form of Gemma Scope 2 has a place",
                $"{form}"
            ),
        };
    }

    /// <summary>A JSON file written as the field writes them.</summary>
    internal static void WriteJson(string file, Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        AtomicFile.Write(file, stream => stream.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)));
    }

    /// <summary>Writes into a folder beside the target and moves its files over when all are there.</summary>
    private static void Replace(string folder, Action<string> write, bool overwrite)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (File.Exists(target))
            throw new ArgumentProblemException("is a file; name the folder that the dictionary is written to", folder);
        var before = Directory.Exists(target) ? Directory.GetFiles(target).Select(Path.GetFileName).Where(IsDictionaryFile).ToArray() : [];
        if (before.Length > 0 && !overwrite)
            throw new ArgumentProblemException(
                $"holds a dictionary already ({before[0]})",
                folder,
                remedy: new Remedy(
                    $"choose another folder, or allow it to be replaced ({new Setting(nameof(DictionaryWriteOptions.Overwrite))})"
                )
            );
        var temporary = $"{target}.{Guid.NewGuid():N}.partial";
        try
        {
            Directory.CreateDirectory(temporary);
            write(temporary);
            var written = Directory.GetFiles(temporary).Select(file => Path.GetFileName(file)!).ToArray();
            if (before.Except(written).FirstOrDefault() is { } other)
                throw new ArgumentProblemException(
                    $"holds a dictionary of another form ({other}), which would lie beside the new one; choose another folder",
                    folder
                );
            if (!Directory.Exists(target))
                Directory.Move(temporary, target);
            else
                foreach (var file in written)
                    File.Move(Path.Combine(temporary, file), Path.Combine(target, file), overwrite: true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"the dictionary cannot be written: {problem.Message}", folder, problem);
        }
        finally
        {
            Leftovers.Delete(temporary);
        }
    }

    private static bool IsDictionaryFile(string? name) =>
        name is "config.json" or SaeLensReader.ConfigFile
        || DictionaryLoader.IsWeights(name!)
        || MultiLayerReader.LayerOf(name!) is not null;
}
