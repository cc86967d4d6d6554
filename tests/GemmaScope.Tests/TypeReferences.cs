using System.Reflection;
using System.Reflection.Emit;

namespace GemmaScope.Tests;

/// <summary>
/// All types a type refers to: in its declaration, in its members' signatures, and in its method bodies, which are
/// read instruction by instruction. (Constants and nameof leave no trace in a compiled body.)
/// </summary>
internal static class TypeReferences
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<ushort, OpCode> Instructions = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (ushort)code.Value);

    /// <summary>The types <paramref name="type"/> refers to, each with the place: a member's name, or the type's own.</summary>
    public static IEnumerable<(string Place, Type Type)> Of(Type type) =>
        from use in Declaration(type)
            .Select(used => (Place: Name(type), Type: used))
            .Concat(
                from member in type.GetMembers(Declared)
                from used in Member(member)
                select (Place: $"{Name(type)}.{member.Name}", Type: used)
            )
        from part in Parts(use.Type)
        select (use.Place, part);

    private static string Name(Type type) => type.FullName ?? type.Name;

    private static IEnumerable<Type> Declaration(Type type) =>
        [
            .. type.BaseType is { } parent ? [parent] : Type.EmptyTypes,
            .. type.GetInterfaces(),
            .. type.GetGenericArguments().SelectMany(argument => argument.GetGenericParameterConstraints()),
            .. Attributes(type),
        ];

    private static IEnumerable<Type> Attributes(MemberInfo member) =>
        from data in member.GetCustomAttributesData()
        from used in data.ConstructorArguments.Select(argument => argument.Value as Type).Prepend(data.AttributeType)
        where used is not null
        select used;

    private static IEnumerable<Type> Member(MemberInfo member) =>
        Attributes(member)
            .Concat(
                member switch
                {
                    FieldInfo field => [field.FieldType],
                    MethodBase method => Signature(method).Concat(Body(method)),
                    _ => [], // a property or an event is its methods; a nested type is looked at by itself
                }
            );

    private static IEnumerable<Type> Signature(MethodBase method)
    {
        var arguments = method.IsGenericMethod ? method.GetGenericArguments() : [];
        return
        [
            .. method is MethodInfo { ReturnType: var result } ? [result] : Type.EmptyTypes,
            .. method.GetParameters().Select(parameter => parameter.ParameterType),
            .. arguments,
            .. arguments.Where(argument => argument.IsGenericParameter).SelectMany(argument => argument.GetGenericParameterConstraints()),
        ];
    }

    private static IEnumerable<Type> Body(MethodBase method)
    {
        if (method.GetMethodBody() is not { } body)
            return [];
        return
        [
            .. body.LocalVariables.Select(local => local.LocalType),
            .. from clause in body.ExceptionHandlingClauses
            where clause.Flags == ExceptionHandlingClauseOptions.Clause
            select clause.CatchType,
            .. from token in Tokens(body.GetILAsByteArray() ?? []) from used in Resolve(method, token) select used,
        ];
    }

    /// <summary>The metadata tokens of types and members among the operands of the instructions.</summary>
    private static IEnumerable<int> Tokens(byte[] code)
    {
        for (var at = 0; at < code.Length; )
        {
            var instruction = Instructions[code[at] == 0xFE ? (ushort)(0xFE00 | code[at + 1]) : code[at]];
            at += instruction.Size;
            if (
                instruction.OperandType
                is OperandType.InlineField
                    or OperandType.InlineMethod
                    or OperandType.InlineTok
                    or OperandType.InlineType
            )
                yield return BitConverter.ToInt32(code, at);
            at += instruction.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, at),
                _ => 4,
            };
        }
    }

    private static IEnumerable<Type> Resolve(MethodBase method, int token)
    {
        var used = method.Module.ResolveMember(
            token,
            method.DeclaringType?.GetGenericArguments(),
            method.IsGenericMethod ? method.GetGenericArguments() : null
        );
        return used switch
        {
            Type type => [type],
            FieldInfo field => [field.DeclaringType!, field.FieldType],
            MethodBase call => Signature(call).Append(call.DeclaringType!),
            _ => [],
        };
    }

    /// <summary>The type itself, or what an array, pointer, reference or generic type is made of.</summary>
    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType)
            return Parts(type.GetElementType()!);
        if (type.IsFunctionPointer)
            return type.GetFunctionPointerParameterTypes().Append(type.GetFunctionPointerReturnType()).SelectMany(Parts);
        if (type.IsGenericParameter)
            return [];
        return type.IsConstructedGenericType
            ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
            : [type];
    }
}
