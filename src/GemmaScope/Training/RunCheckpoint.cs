using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// All that a run needs to go on bit for bit, in one safetensors file: the state of every trainer, the place in the stream of data, and
/// what the metrics have summed up. The file takes the place of the one before only when it is whole and on the disk.
/// </summary>
internal sealed record RunCheckpoint
{
    public const string FileName = "checkpoint.safetensors";

    private const string Key = "gemmascope_training",
        Format = "1";

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Rows taken from the stream.</summary>
    public required long Position { get; init; }

    /// <summary>C of each site: another one says that the data has changed.</summary>
    public required IReadOnlyDictionary<string, double> Scales { get; init; }

    public required IReadOnlyList<MemberState> Members { get; init; }

    /// <summary>What is kept of a member beside its tensors.</summary>
    public sealed record MemberState(
        IReadOnlyDictionary<string, string> Settings,
        IReadOnlyDictionary<string, double> Sums,
        long MetricsLength,
        long Skipped,
        string? Failure
    );

    public static void Save(
        string file,
        long step,
        long position,
        IReadOnlyDictionary<string, double> scales,
        IReadOnlyList<TrainingMember> members
    )
    {
        foreach (var member in members)
            member.Metrics.Flush();
        var checkpoint = new RunCheckpoint
        {
            Step = step,
            Position = position,
            Scales = scales,
            Members =
            [
                .. members.Select(member => new MemberState(
                    Settings.Flatten(member.Configuration).ToDictionary(pair => pair.Key, pair => pair.Value),
                    new Dictionary<string, double>(member.Metrics.Sums),
                    member.Metrics.Length,
                    member.SkippedBatches,
                    member.Failure
                )),
            ],
        };
        SafetensorsWriter.Write(
            file,
            Tensors(members).Select(pair => new TensorSource(pair.Name, pair.Tensor)),
            new Dictionary<string, string> { [Key] = Format, ["run"] = JsonSerializer.Serialize(checkpoint) },
            overwrite: true
        );
    }

    /// <summary>Reads what is kept beside the tensors.</summary>
    /// <exception cref="FileFormatException">The file is no checkpoint.</exception>
    public static RunCheckpoint Read(SafetensorsFile file)
    {
        if (file.Metadata.GetValueOrDefault(Key) != Format || !file.Metadata.TryGetValue("run", out var run))
            throw new FileFormatException(
                "is no checkpoint of a training run of this version",
                file.Path,
                remedy: RunSettingNames.BeginAnew
            );
        try
        {
            return JsonSerializer.Deserialize<RunCheckpoint>(run) ?? throw new JsonException("nothing is there");
        }
        catch (JsonException problem)
        {
            throw new FileFormatException($"is damaged: {problem.Message}", file.Path, problem, RunSettingNames.BeginAnew);
        }
    }

    /// <summary>Gives the trainers their state back.</summary>
    /// <exception cref="FileFormatException">A tensor is missing or has another type or shape.</exception>
    public static unsafe void Restore(SafetensorsFile file, IReadOnlyList<TrainingMember> members)
    {
        foreach (var (name, tensor) in Tensors(members))
        {
            var saved = file[name];
            if (saved.Type != tensor.Type || !saved.Shape.SequenceEqual(tensor.Shape))
                throw new FileFormatException($"{name} is {saved} where {tensor} is needed", file.Path, remedy: RunSettingNames.BeginAnew);
            Buffer.MemoryCopy(saved.Pointer, tensor.Pointer, tensor.ByteLength, saved.ByteLength);
        }
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(IReadOnlyList<TrainingMember> members) =>
        members.SelectMany((member, i) => member.Trainer.State.Select(part => ($"{i}.{part.Name}", part.Tensor)));
}
